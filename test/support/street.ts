import { readFileSync } from 'node:fs'
import { GraphBuilder } from '../../src/onnx/write/graph-builder.ts'
import { writeModel } from '../../src/onnx/write/write-model.ts'
import { madeFile, photo } from './made-files.ts'

/**
 * A model and a picture for tests of everything round the detector: a file with the signature of YOLOX-nano that
 * finds a bus, four people and a stop sign where they are in a picture of 810 × 1080, whatever the picture shows. Its last row,
 * far below every threshold, holds the first values of the input, so that a tensor that arrives damaged is seen.
 */

const STREET_SIZE = { width: 810, height: 1080 }
const INPUT = 416
const STRIDES = [8, 16, 32]
const CLASSES = 80
const COLUMNS = 5 + CLASSES
const ROWS = STRIDES.reduce((sum, stride) => sum + (INPUT / stride) ** 2, 0)

/** Class of COCO, score, and x1, y1, x2, y2 in pixels of the picture. */
const FOUND = [
  [5, 0.93, 20, 230, 800, 760],
  [0, 0.87, 45, 400, 245, 905],
  [0, 0.82, 220, 405, 345, 860],
  [0, 0.8, 668, 390, 810, 880],
  [0, 0.45, 0, 550, 65, 875],
  [11, 0.3, 0, 254, 32, 325],
] as const

/** Path of the model; made once in a checkout. */
export function streetModel(): string {
  return madeFile('street.onnx', () => {
    const graph = new GraphBuilder('street')
    graph.input('images', 'float32', [1, 3, INPUT, INPUT])
    graph.outputs.push({ name: 'output', type: 'float32', shape: [1, ROWS, COLUMNS] })
    const flat = graph.node('Reshape', ['images', graph.int64([1, -1])])
    const first = graph.node('Slice', [flat, graph.int64([0]), graph.int64([COLUMNS]), graph.int64([1])])
    const faint = graph.node('Mul', [first, graph.scalar(1e-6)])
    const last = graph.node('Reshape', [faint, graph.int64([1, 1, COLUMNS])])
    const found = graph.constant('float32', [1, ROWS - 1, COLUMNS], rows())
    graph.node('Concat', [found, last], { axis: 1 }, 'output')
    return writeModel(graph, { producer: { name: 'boxlet-test', version: '' } }).finish()
  })
}

/** A photo of those measures, as a JPEG file. */
export const streetPicture = await photo('astronaut', STREET_SIZE)
export const streetBytes = new Uint8Array(readFileSync(streetPicture))

/** Rows as YOLOX gives them when the graph decodes: centre and size in pixels of the input, then scores. */
function rows(): Float32Array {
  const values = new Float32Array((ROWS - 1) * COLUMNS)
  const scale = Math.min(INPUT / STREET_SIZE.width, INPUT / STREET_SIZE.height)
  for (const [i, [classId, score, ...corners]] of FOUND.entries()) {
    const [x1, y1, x2, y2] = corners.map((value) => value * scale) as [number, number, number, number]
    const at = i * COLUMNS
    values.set([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 1], at)
    values[at + 5 + classId] = score
  }
  return values
}
