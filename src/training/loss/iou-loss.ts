import type { Graph } from '../graph/graph.ts'
import { maths } from '../graph/maths.ts'
import type { Grid } from './grid.ts'
import type { Predictions } from './predictions.ts'

export interface Loss {
  /** Value of each cell, [1, cells]. */
  value: string
  /** With respect to the raw outputs. */
  gradient: string
}

/** Below this overlap the slope of the overlap says nothing; the raw values are then drawn towards their targets. */
const HARDLY = 0.01

/**
 * 1 − IoU² of the predicted box and its object, and its gradient with respect to raw x, y, width, height: [4, cells].
 *
 * source  Yu, Jiang, Wang, Cao, Huang: UnitBox (2016); squared as in YOLOX `models/losses.py`
 *
 * @param truth edges x1, y1, x2, y2 of the object of each cell, each [1, cells]
 */
export function iouLoss(graph: Graph, said: Predictions, truth: readonly string[], grid: Grid): Loss {
  const { add, sub, mul, div, min, max, less, where, float, one } = maths(graph)
  const [x1, y1, x2, y2] = truth as [string, string, string, string]
  const strides = graph.floats(grid.strides, [1, grid.cells])
  const width = one('Relu', sub(min(said.x2, x2), max(said.x1, x1)))
  const height = one('Relu', sub(min(said.y2, y2), max(said.y1, y1)))
  const shared = mul(width, height)
  const area = mul(sub(x2, x1), sub(y2, y1))
  const union = sub(add(said.area, area), shared)
  const iou = div(shared, union)

  // iou = shared / (own area + area − shared)
  const byShared = div(add(graph.scalar(1), iou), union)
  const byArea = one('Neg', div(iou, union))
  /** Of the overlap along one axis, by the raw middle and the raw size. */
  const along = (low: string, high: string, truthLow: string, truthHigh: string, half: string) => {
    const rightMoves = float(less(high, truthHigh))
    const leftMoves = float(less(truthLow, low))
    return {
      middle: mul(strides, sub(rightMoves, leftMoves)),
      size: mul(half, add(rightMoves, leftMoves)),
    }
  }
  const x = along(said.x1, said.x2, x1, x2, said.halfWidth)
  const y = along(said.y1, said.y2, y1, y2, said.halfHeight)
  const perWidth = mul(byShared, height)
  const perHeight = mul(byShared, width)
  const perSize = mul(byArea, said.area)
  const iouSlopes = [
    mul(perWidth, x.middle),
    mul(perHeight, y.middle),
    add(mul(perWidth, x.size), perSize),
    add(mul(perHeight, y.size), perSize),
  ]
  const factor = mul(graph.scalar(-2), iou)
  const targets = encoded(graph, [x1, y1, x2, y2], grid)
  const isHardly = less(iou, graph.scalar(HARDLY))
  const slopes = iouSlopes.map((slope, at) =>
    where(isHardly, one('Sign', sub(said.raw[at]!, targets[at]!)), mul(factor, slope)),
  )
  return {
    value: sub(graph.scalar(1), mul(iou, iou)),
    gradient: graph.op('Concat', slopes, { axis: 0 }),
  }
}

/** Raw values at which the predicted box is the object. */
function encoded(graph: Graph, [x1, y1, x2, y2]: [string, string, string, string], grid: Grid): string[] {
  const { add, sub, mul, one } = maths(graph)
  const row = (values: Float32Array) => graph.floats(values, [1, grid.cells])
  const perStride = row(grid.strides.map((stride) => 1 / stride))
  const middle = (low: string, high: string) => mul(mul(add(low, high), graph.scalar(0.5)), perStride)
  const size = (low: string, high: string) => one('Log', mul(sub(high, low), perStride))
  return [
    sub(middle(x1, x2), row(grid.columns)),
    sub(middle(y1, y2), row(grid.rows)),
    size(x1, x2),
    size(y1, y2),
  ]
}
