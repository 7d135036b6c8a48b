/** The corpus' TFLite files against LiteRT on one picture; stored outputs by test/python/tflite_goldens.py. */
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import type { TensorInfo } from '../model/signature.ts'
import { type ConvertedModel, readTflite, tfliteToOnnx } from './tflite.ts'

interface Part {
  name: string
  shape: number[]
  /** Size of one code, 0 for float outputs. */
  step: number
  /** Every so many-th value is in `samples`. */
  stride: number
  samples: number[]
  /** The best rows of a head, each with all its columns. */
  rows?: { row: number; score: number; values: number[] }[]
}

interface Golden {
  model: string
  picture: string
  input: { colour: 'RGB' | 'BGR'; mean: number; std: number }
  outputs: Part[]
  /** LiteRT with the 8-bit weights as floats: beside such weights it rounds the activations of each run. */
  widened?: Part[]
}

/**
 * How far LiteRT and the converted file may be apart: on average over all values, at most in the best rows.
 * LiteRT's two sets of kernels differ among themselves by as much in the quantized files.
 */
const TOLERANCE: Record<string, { mean: number; rows: number }> = {
  'blazeface-back-256.tflite': { mean: 3e-5, rows: 0 },
  'ssd-mobilenet-v1-300-quant-metadata.tflite': { mean: 1e-6, rows: 0 },
  'yolo26n-320-int8-end2end.tflite': { mean: Number.POSITIVE_INFINITY, rows: 0.03 },
  'yolov5n-640-uint8.tflite': { mean: 0.0025, rows: 0.15 },
  'yolov8n-224-full-integer.tflite': { mean: 0.0005, rows: 0.02 },
  'yolov8n-face-640-pose-int8.tflite': { mean: 0.0025, rows: 0.01 },
  'yolox-nano-416-dynamic-range.tflite': { mean: 0.0015, rows: 0.02 },
  'yolox-nano-416-float16.tflite': { mean: 1e-6, rows: 1e-5 },
  'yunet-120x160-full-integer.tflite': { mean: 0.005, rows: 0 },
}
/** The same files with float weights differ only by the order in which sums are taken. */
const WIDENED = { mean: 2e-4, rows: 1e-5 }
/** Rows below this are background, where an end-to-end head may swap neighbours. */
const CLEAR_SCORE = 0.25

const goldens: Golden[] = JSON.parse(readFileSync(new URL('corpus.golden.json', import.meta.url), 'utf8'))

describe.skipIf(!hasCorpus)('files of the corpus', () => {
  it.each(goldens.map((golden) => [golden.model, golden] as const))(
    '%s gives what LiteRT gives',
    async (name, golden) => {
      const model = tfliteToOnnx(corpusBytes(`models/${name}`))
      const results = await run(model, golden)
      compare(results, golden.outputs, TOLERANCE[name]!)
      if (golden.widened !== undefined) {
        compare(results, golden.widened, WIDENED)
      }
    },
  )

  it('are not larger as ONNX files than they were, but for a few per cent', () => {
    for (const { model } of goldens) {
      const file = corpusBytes(`models/${model}`)
      expect(tfliteToOnnx(file).bytes.length).toBeLessThan(file.length * 1.03)
    }
  })

  it('keep the transpositions of an onnx-tf export out of the graph', () => {
    const { ops, sourceOps } = readTflite(corpusBytes('models/yolox-nano-416-float16.tflite'))
    expect(sourceOps?.TRANSPOSE).toBe(218)
    expect(ops.Transpose).toBeLessThanOrEqual(4)
  })

  it('describe quantized inputs and outputs', () => {
    const { inputs, outputs, quantization } = readTflite(
      corpusBytes('models/yolov8n-224-full-integer.tflite'),
    )
    expect(inputs).toEqual([
      {
        name: 'serving_default_images:0',
        type: 'int8',
        shape: [1, 224, 224, 3],
        quantization: { scale: expect.closeTo(1 / 255, 7), zeroPoint: -128 },
      },
    ])
    expect(outputs).toEqual([
      {
        name: 'PartitionedCall:0',
        type: 'float32',
        shape: [1, 84, 1029],
        storedAs: { type: 'int8', scale: expect.closeTo(0.00564854, 7), zeroPoint: -114 },
      },
    ])
    expect(quantization).toBe('qdq')
  })

  it('carry the metadata of Ultralytics as its ONNX exports do', () => {
    const packed = readTflite(corpusBytes('models/yolo26n-320-int8-end2end.tflite')).metadata
    expect(packed).toMatchObject({ task: 'detect', stride: '32', imgsz: '[320,320]', end2end: 'True' })
    expect(JSON.parse(packed.names!)).toMatchObject({ 0: 'person', 79: 'toothbrush' })
    const python = readTflite(corpusBytes('models/yolov8n-224-full-integer.tflite')).metadata
    expect(python).toMatchObject({ task: 'detect', version: '8.3.91' })
    expect(JSON.parse(python.names!)[5]).toBe('bus')
  })

  it('carry a packed label map with its gaps', () => {
    const { metadata, outputs } = readTflite(corpusBytes('models/ssd-mobilenet-v1-300-quant-metadata.tflite'))
    const names = JSON.parse(metadata.names!)
    expect(names).toMatchObject({ 0: 'person', 12: 'stop sign', 89: 'toothbrush' })
    expect(names[11]).toBeUndefined()
    expect(metadata.names_source).toBe('labelmap.txt, packed in the TFLite file')
    expect(metadata.license).toContain('Apache')
    expect(outputs.map(({ name }) => name)).toEqual([
      'detection_boxes',
      'detection_classes',
      'detection_scores',
      'num_detections',
      'raw_detection_boxes',
      'raw_detection_scores',
    ])
  })
})

async function run({ bytes, signature }: ConvertedModel, golden: Golden): Promise<Float32Array[]> {
  const [input] = signature.inputs
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 })
  const results = await session.run({ [input!.name]: await picture(input!, golden) })
  await session.release()
  return signature.outputs.map(({ name }) => results[name]!.data as Float32Array)
}

/** Nearest pixels, as the script that stored the outputs takes them. */
async function picture({ type, shape }: TensorInfo, { picture: path, input }: Golden): Promise<Tensor> {
  const { data, info } = await sharp(corpusPath(path))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const sizes = shape as number[]
  const first = sizes[1] === 3
  const [height, width] = first ? [sizes[2]!, sizes[3]!] : [sizes[1]!, sizes[2]!]
  const count = height * width * 3
  const fed =
    type === 'float32'
      ? new Float32Array(count)
      : type === 'int8'
        ? new Int8Array(count)
        : new Uint8Array(count)
  for (let at = 0; at < count; at++) {
    const [row, column, channel] = first
      ? [Math.floor(at / width) % height, at % width, Math.floor(at / width / height)]
      : [Math.floor(at / 3 / width), Math.floor(at / 3) % width, at % 3]
    const source =
      Math.floor((row * info.height) / height) * info.width + Math.floor((column * info.width) / width)
    const value = data[source * 3 + (input.colour === 'BGR' ? 2 - channel : channel)]!
    fed[at] = (value - input.mean) / input.std
  }
  return new Tensor(type as 'float32', fed as Float32Array, sizes)
}

function compare(results: Float32Array[], parts: Part[], tolerance: { mean: number; rows: number }): void {
  for (const [place, { shape, stride, samples, rows = [] }] of parts.entries()) {
    const values = results[place]!
    expect(values).toHaveLength(shape.reduce((product, size) => product * size, 1))
    const distances = samples.map((sample, index) => Math.abs(sample - values[index * stride]!))
    const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length
    expect(mean).toBeLessThanOrEqual(tolerance.mean)
    const [, second = 1, third = 1] = shape
    const at = (row: number, column: number) =>
      values[second > third ? row * third + column : column * third + row]!
    for (const { row, score, values: expected } of rows) {
      if (score < CLEAR_SCORE) {
        continue
      }
      const worst = Math.max(...expected.map((value, column) => Math.abs(value - at(row, column))))
      expect(worst).toBeLessThanOrEqual(tolerance.rows)
    }
  }
}
