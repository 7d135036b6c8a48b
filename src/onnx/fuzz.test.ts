import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../test/support/corpus.ts'
import { BoxletError } from '../errors.ts'
import { countWork } from './graph/flops.ts'
import { readOnnx } from './read/reader.ts'

const ROUNDS = 10_000
/** Where the structure is: weights fill the middle of the file, and flips there meet no parser. */
const EDGE_BYTES = 60_000

/** Subgraphs, quantized operators, many outputs, metadata, initializers as inputs: between them all code runs. */
const FILES = [
  'yunet-n-dynamic',
  'nms-stage-yolov8',
  'fastestdet-352',
  'yunet-120x160-priors',
  'yolo11n-320-int8',
  'nanodet-m-416-int8-qoperator',
  'retinanet-bccd-384-icevision',
]

/** Xorshift: the rounds are the same in every run. */
function random(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

describe.skipIf(!hasCorpus)('hostile files', () => {
  it('gives a signature or a BoxletError for each of 10,000 damaged files', { timeout: 120_000 }, () => {
    const originals = FILES.map((name) => corpusBytes(`models/${name}.onnx`))
    const answers = { read: 0, refused: 0 }
    for (let seed = 0; seed < ROUNDS; seed++) {
      const next = random(seed)
      const bytes = originals[Math.floor(next() * originals.length)] as Uint8Array
      const undo = damage(bytes, next)
      const cut = next() < 0.15 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes
      try {
        const signature = readOnnx(cut)
        if (seed % 8 === 0) {
          countWork(cut)
        }
        expect(Array.isArray(signature.outputs)).toBe(true)
        answers.read++
      } catch (error) {
        if (!(error instanceof BoxletError) || !/^MODEL_/.test(error.code)) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
        answers.refused++
      }
      undo()
    }
    expect(answers.read).toBeGreaterThan(ROUNDS / 10)
    expect(answers.refused).toBeGreaterThan(ROUNDS / 10)
  })
})

/** Flips a few bits in place and returns what puts them back. */
function damage(bytes: Uint8Array, next: () => number): () => void {
  const changes: [at: number, was: number][] = []
  const flips = 1 + Math.floor(next() * next() * 12)
  for (let flip = 0; flip < flips; flip++) {
    const at = place(bytes.length, next)
    changes.push([at, bytes[at] as number])
    bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(next() * 8))
  }
  return () => {
    for (const [at, was] of changes.reverse()) {
      bytes[at] = was
    }
  }
}

function place(length: number, next: () => number): number {
  const edge = Math.min(length, EDGE_BYTES)
  const where = next()
  if (where < 0.45) {
    return Math.floor(next() * edge)
  }
  if (where < 0.8) {
    return length - 1 - Math.floor(next() * edge)
  }
  return Math.floor(next() * length)
}
