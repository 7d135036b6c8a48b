/** Checkpoints of the corpus against what PyTorch gave for the same picture, stored beside them. */
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { missingRows, readNpy, runGraph, worstDifference } from '../../test/support/npy.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

/** Rounding of random deep networks, which have no trained weights to damp it. */
const TOLERANCE = { boxes: 0.05, rest: 1e-3 }
/** Keypoints are pixels too. */
const POSE_TOLERANCE = { boxes: 0.05, rest: 0.05 }

const NAMES = [
  'yolo11n',
  'yolo11n-cls',
  'yolo11n-seg',
  'yolo26n',
  'yolo26n-seg',
  'yolov10n',
  'yolov5n',
  'yolov6n',
  'yolov8n',
  'yolov8n-cls',
  'yolov8n-ghost',
  'yolov8n-obb',
  'yolov8n-p2',
  'yolov8n-pose',
  'yolov8n-seg',
]
const TWO_HEADS = ['yolo26n', 'yolo26n-seg', 'yolov10n']

const file = (name: string): string => `checkpoints/${name}`
const npy = (name: string) => readNpy(corpusBytes(file(`${name}.npy`)))
const pictureOf = (name: string) => npy(name.endsWith('-cls') ? 'input-64' : 'input-128')

describe.skipIf(!hasCorpus)('a checkpoint of the corpus', () => {
  it.each(NAMES)('%s gives what PyTorch gives', async (name) => {
    const bytes = corpusBytes(file(`${name}.pt`))
    const { onnx, head } = convertCheckpoint(memorySource(bytes), one(name))
    const results = await runGraph(onnx.finish(), pictureOf(name))
    for (let i = 0; existsSync(corpusPath(file(`${name}.raw.output${i}.npy`))); i++) {
      const expected = npy(`${name}.raw.output${i}`)
      const { boxes, rest } = worstDifference(results[i]!, expected, i === 0 && head.task !== 'classify')
      const tolerance = head.task === 'pose' ? POSE_TOLERANCE : TOLERANCE
      expect(boxes).toBeLessThan(tolerance.boxes)
      // Prototype masks are not bounded by 1: the largest value measures them.
      const scale = Math.max(1, ...(i === 1 ? expected.data.map(Math.abs) : []))
      expect(rest / scale).toBeLessThan(tolerance.rest)
    }
  })

  it.each(TWO_HEADS)('%s gives the rows of its one-to-one head', async (name) => {
    const { onnx } = convertCheckpoint(memorySource(corpusBytes(file(`${name}.pt`))), { oneToOne: true })
    const [rows] = await runGraph(onnx.finish(), pictureOf(name))
    const expected = npy(`${name}.e2e.output0`)
    expect(rows!.shape).toEqual(expected.shape)
    expect(missingRows(rows!, expected, TOLERANCE)).toBe(0)
  })
})

/** Networks with one head have nothing to choose. */
const one = (name: string) => (TWO_HEADS.includes(name) ? { oneToOne: false } : {})
