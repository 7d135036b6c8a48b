import type { Graph } from '../graph/graph.ts'
import { maths } from '../graph/maths.ts'
import { FORBIDDEN } from './centre-prior.ts'
import type { Grid } from './grid.ts'
import type { Predictions } from './predictions.ts'

/** Objects of a picture as values of the graph. */
export interface Truths {
  /** Edges in pixels of the input, float [objects, 4]. */
  boxes: string
  /** int64 [objects]. */
  classes: string
  /** Cost of each cell for each object from the boxes alone, float [objects, cells]: see `centrePrior`. */
  prior: string
}

/** Which object each cell is to predict; each value is a row of cells. */
export interface Assignment {
  /** Boolean: the cell has an object. */
  isMatched: string
  /** Index of the object; meaningless where there is none. */
  object: string
  /** Overlap of the predicted box with that object. */
  iou: string
}

/** Most cells of one object; the sum of that many best overlaps says how many it gets. */
const CANDIDATES = 10
/** Weight of the overlap beside the class in the cost of a match. */
const IOU_WEIGHT = 3
/** Costs from here on hold `FORBIDDEN`. */
const PAYABLE = FORBIDDEN / 10

/**
 * Gives each object the cells that predict it best at the moment: as many as the sum of its best overlaps says, those
 * of least cost; a cell that several objects want goes to the one that pays least.
 *
 * Part of the graph, so that one run does forward pass, assignment, loss and backward pass. With the assignment
 * outside, the forward pass runs twice: 18 of 102 ms a picture of YOLOX-nano at 416.
 *
 * source  Ge, Liu, Wang, Li, Sun: YOLOX (2021), section 2.1 "SimOTA"; from Ge, Liu, Li, Yoshie, Sun: OTA (CVPR 2021)
 */
export function assign(graph: Graph, said: Predictions, truths: Truths, grid: Grid): Assignment {
  const { add, sub, mul, max, less, where, one, sum } = maths(graph)
  const iou = overlaps(graph, said, truths.boxes)
  const cost = add(
    sub(
      classCost(graph, said, truths.classes),
      mul(graph.scalar(IOU_WEIGHT), one('Log', add(iou, graph.scalar(1e-8)))),
    ),
    truths.prior,
  )
  const payable = graph.scalar(PAYABLE)
  const most = Math.min(CANDIDATES, grid.cells)
  const allowed = where(less(truths.prior, payable), iou, graph.scalar(0))
  const [bestOverlaps] = graph.many('TopK', [allowed, graph.ints([most])], { axis: 1 }, [[], []])
  const wanted = max(one('Floor', sum(bestOverlaps!, [1])), graph.scalar(1))
  const [costs, cells] = graph.many('TopK', [cost, graph.ints([most])], { axis: 1, largest: 0 }, [[], []])
  const place = graph.floats(
    Array.from({ length: most }, (_, at) => at),
    [1, most],
  )
  const taken = graph.op('And', [less(place, wanted), less(costs!, payable)])
  const nothing = graph.scalar(FORBIDDEN)
  const empty = graph.op('Expand', [nothing, graph.op('Shape', [cost])])
  const bids = graph.op('ScatterElements', [empty, cells!, where(taken, costs!, nothing)], { axis: 1 })
  const object = graph.op('ArgMin', [bids], { axis: 0, keepdims: 1 })
  return {
    isMatched: less(graph.op('ReduceMin', [bids], { axes: [0], keepdims: 1 }), payable),
    object,
    iou: graph.op('GatherElements', [iou, object], { axis: 0 }),
  }
}

/** Intersection over union of every object with every predicted box: [objects, cells]. */
function overlaps(graph: Graph, said: Predictions, boxes: string): string {
  const { add, sub, mul, div, min, max, one } = maths(graph)
  const columns = graph.many('Split', [boxes, graph.ints([1, 1, 1, 1])], { axis: 1 }, [[], [], [], []])
  const [x1, y1, x2, y2] = columns as [string, string, string, string]
  const width = one('Relu', sub(min(said.x2, x2), max(said.x1, x1)))
  const height = one('Relu', sub(min(said.y2, y2), max(said.y1, y1)))
  const shared = mul(width, height)
  const area = mul(sub(x2, x1), sub(y2, y1))
  return div(shared, sub(add(said.area, area), shared))
}

/** Binary cross entropy of the class scores with the class of each object: [objects, cells]. */
function classCost(graph: Graph, said: Predictions, classes: string): string {
  const { sub, mul, one, sum, add } = maths(graph)
  const score = one('Sqrt', mul(one('Sigmoid', said.objectness), one('Sigmoid', said.classes)))
  const p = graph.op('Clip', [score, graph.scalar(1e-4), graph.scalar(0.9999)])
  const no = one('Log', sub(graph.scalar(1), p))
  const ofClass = graph.op('Gather', [sub(no, one('Log', p)), classes], { axis: 0 })
  return add(ofClass, one('Neg', sum(no, [0])))
}
