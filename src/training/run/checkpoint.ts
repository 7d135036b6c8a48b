import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { BoxletError } from '../../errors.ts'
import { saveFile } from '../../system/save-file.ts'
import type { TrainingPicture } from '../data/pictures.ts'
import type { SharedState } from './shared-state.ts'

/** What a run needs to go on as if it had not been stopped. */
export interface Checkpoint {
  /** Of everything that decides the numbers: recipe, pictures, base. */
  fingerprint: string
  step: number
  steps: number
  /** Running mean of matched cells. */
  matched: number
  /** What was seen so far, for curves and for ending a run that stopped learning. */
  history: unknown
  /** Of a validation set that may choose: its best moment so far. */
  best?: { step: number; ap: number; weights: Float32Array }
}

/** First bytes of the file; the number changes with its form. */
const MARK = Buffer.from('BOXLET-TEACH-1\n')
const VECTORS = ['weights', 'average', 'mean', 'square'] as const

/**
 * Mark, length of the head, head as JSON, four vectors as little-endian float32, and a fifth of the best moment where
 * there is one. Written whole or not at all.
 */
export async function saveCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  state: SharedState,
): Promise<void> {
  const { best, ...facts } = checkpoint
  const moment = best === undefined ? {} : { best: { step: best.step, ap: best.ap } }
  const head = Buffer.from(JSON.stringify({ ...facts, ...moment, learned: state.weights.length }))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  const vectors = [...VECTORS.map((name) => state[name]), ...(best === undefined ? [] : [best.weights])]
  const bytes = vectors.map((vector) => Buffer.from(Float32Array.from(vector).buffer))
  await saveFile(path, Buffer.concat([MARK, length, head, ...bytes]))
}

/**
 * Puts a run back to where it was.
 *
 * @returns undefined when there is no file
 * @throws BoxletError TEACHING_FAILED when the file is of another run or damaged
 */
export async function loadCheckpoint(
  path: string,
  fingerprint: string,
  state: SharedState,
): Promise<Checkpoint | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined
    }
    throw unusable('a file that cannot be read', error)
  })
  if (bytes === undefined) {
    return undefined
  }
  const start = MARK.length + 4
  if (bytes.length < start || !bytes.subarray(0, MARK.length).equals(MARK)) {
    throw unusable('another kind of file')
  }
  const end = start + bytes.readUInt32LE(MARK.length)
  const head = readHead(bytes.subarray(start, end))
  const learned = state.weights.length
  const { best } = head
  const vectors = VECTORS.length + (best === undefined ? 0 : 1)
  if (bytes.length !== end + 4 * learned * vectors) {
    throw unusable('a file of another length')
  }
  if (head.fingerprint !== fingerprint) {
    throw unusable('a stopped run with other pictures or settings')
  }
  const vectorAt = (at: number) => {
    const from = bytes.byteOffset + end + 4 * learned * at
    return new Float32Array(bytes.buffer.slice(from, from + 4 * learned))
  }
  for (const [at, name] of VECTORS.entries()) {
    state[name].set(vectorAt(at))
  }
  state.matched[state.matched.length - 1] = head.matched
  return best === undefined ? head : { ...head, best: { ...best, weights: vectorAt(VECTORS.length) } }
}

/** Steps that a stopped run was planned for: its length may hang on how fast the machine was. */
export async function plannedSteps(path: string): Promise<number | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  const start = MARK.length + 4
  if (bytes === undefined || bytes.length < start || !bytes.subarray(0, MARK.length).equals(MARK)) {
    return undefined
  }
  return readHead(bytes.subarray(start, start + bytes.readUInt32LE(MARK.length))).steps
}

export const removeCheckpoint = (path: string): Promise<void> => rm(path, { force: true })

function readHead(bytes: Buffer): Checkpoint {
  try {
    const head = JSON.parse(bytes.toString('utf8')) as Partial<Checkpoint>
    const { fingerprint, step, steps, matched } = head
    if (
      typeof fingerprint === 'string' &&
      Number.isSafeInteger(step) &&
      Number.isSafeInteger(steps) &&
      typeof matched === 'number'
    ) {
      return head as Checkpoint
    }
  } catch (cause) {
    throw unusable('a damaged file', cause)
  }
  throw unusable('a damaged file')
}

const unusable = (received: string, cause?: unknown): BoxletError =>
  new BoxletError(
    'TEACHING_FAILED',
    `Expected a stopped run of the same command for --resume but received ${received}.`,
    {
      ...(cause === undefined ? {} : { cause }),
      hint: 'Give the same command with the same files, or start anew without --resume.',
    },
  )

/** A name for everything that decides the numbers of a run. */
export function fingerprintOf(facts: unknown, pictures: readonly TrainingPicture[]): string {
  const hash = createHash('sha256').update(JSON.stringify(facts))
  for (const { data, path: _, ...picture } of pictures) {
    hash.update(JSON.stringify(picture))
    if (data !== undefined) {
      // Hashing takes no shared memory.
      hash.update(Uint8Array.from(data))
    }
  }
  return hash.digest('hex')
}
