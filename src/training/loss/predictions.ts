import type { Graph } from '../graph/graph.ts'
import { maths } from '../graph/maths.ts'
import type { Grid } from './grid.ts'

/** What the network says on one level, before any activation: [1, 4, h, w], [1, 1, h, w], [1, classes, h, w]. */
export interface LevelOutputs {
  box: string
  objectness: string
  classes: string
}

/** Predictions of all cells of one picture; each value is a row of cells. */
export interface Predictions {
  /** Raw x, y, width, height of a box, as the network gives them. */
  raw: string[]
  /** Edges in pixels of the input. */
  x1: string
  y1: string
  x2: string
  y2: string
  halfWidth: string
  halfHeight: string
  area: string
  /** Logits [1, cells] and [classes, cells]. */
  objectness: string
  classes: string
}

/** e⁸ strides are wider than any input; beyond it the exponential would only overflow. */
const LARGEST_LOG = 8

/** Lays the maps of all levels side by side and turns raw boxes into pixels, as YOLOX's head does. */
export function readPredictions(
  graph: Graph,
  outputs: readonly LevelOutputs[],
  grid: Grid,
  classes: number,
): Predictions {
  const { add, sub, mul, min, one, rows } = maths(graph)
  const joined = (of: (level: LevelOutputs) => string, channels: number) =>
    graph.op(
      'Concat',
      outputs.map((level) => graph.op('Reshape', [of(level), graph.ints([channels, -1])])),
      { axis: 1 },
    )
  const row = (values: Float32Array) => graph.floats(values, [1, grid.cells])
  const strides = row(grid.strides)
  const halves = row(grid.strides.map((stride) => stride / 2))
  const raw = rows(
    joined(({ box }) => box, 4),
    4,
  ) as [string, string, string, string]
  const x = mul(add(raw[0], row(grid.columns)), strides)
  const y = mul(add(raw[1], row(grid.rows)), strides)
  const half = (log: string) => mul(one('Exp', min(log, graph.scalar(LARGEST_LOG))), halves)
  const halfWidth = half(raw[2])
  const halfHeight = half(raw[3])
  return {
    raw,
    x1: sub(x, halfWidth),
    y1: sub(y, halfHeight),
    x2: add(x, halfWidth),
    y2: add(y, halfHeight),
    halfWidth,
    halfHeight,
    area: mul(graph.scalar(4), mul(halfWidth, halfHeight)),
    objectness: joined(({ objectness }) => objectness, 1),
    classes: joined((level) => level.classes, classes),
  }
}
