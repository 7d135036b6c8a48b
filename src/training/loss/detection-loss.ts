import type { Graph } from '../graph/graph.ts'
import { maths } from '../graph/maths.ts'
import { crossEntropy } from './cross-entropy.ts'
import type { Grid } from './grid.ts'
import { iouLoss } from './iou-loss.ts'
import { type LevelOutputs, readPredictions } from './predictions.ts'
import { assign, type Truths } from './simota.ts'

/** Weight of the box beside objectness and class. */
const BOX_WEIGHT = 5

export interface DetectionLoss {
  /** Gradient with respect to each output of the network, by its name. */
  seeds: Map<string, string>
  /** float [4]: losses of boxes, objectness and classes, summed over cells, and the number of matched cells. */
  sums: string
}

/**
 * The loss of YOLOX for one picture: boxes and classes where a cell has an object, objectness everywhere, the class
 * target being the overlap. Sums, not means: gradients are linear in the loss, so whoever adds them up divides.
 *
 * source  Ge, Liu, Wang, Li, Sun: YOLOX (2021); the overlap as target from Li et al.: Generalized Focal Loss (2020)
 */
export function detectionLoss(
  graph: Graph,
  outputs: readonly LevelOutputs[],
  truths: Truths,
  grid: Grid,
  classes: number,
): DetectionLoss {
  const { mul, where, float, sum, rows } = maths(graph)
  const said = readPredictions(graph, outputs, grid, classes)
  const match = assign(graph, said, truths, grid)
  const isMatched = match.isMatched
  const zero = graph.scalar(0)
  const object = graph.op('Reshape', [match.object, graph.ints([-1])])

  const corners = graph.op('Gather', [graph.op('Transpose', [truths.boxes], { perm: [1, 0] }), object], {
    axis: 1,
  })
  const box = iouLoss(graph, said, rows(corners, 4), grid)
  const objectness = crossEntropy(graph, said.objectness, float(isMatched))
  const own = graph.op('Reshape', [
    graph.op('Gather', [truths.classes, object], { axis: 0 }),
    graph.ints([1, -1]),
  ])
  const numbers = graph.op('Reshape', [
    graph.ints(Array.from({ length: classes }, (_, at) => at)),
    graph.ints([-1, 1]),
  ])
  const target = mul(float(graph.op('Equal', [numbers, own])), match.iou)
  const ofClass = crossEntropy(graph, said.classes, target)

  const whereMatched = (value: string) => where(isMatched, value, zero)
  const total = (value: string) => graph.op('Reshape', [sum(value, [0, 1]), graph.ints([1])])
  return {
    seeds: new Map([
      ...toLevels(graph, mul(graph.scalar(BOX_WEIGHT), whereMatched(box.gradient)), grid, 4, outputs, 'box'),
      ...toLevels(graph, objectness.gradient, grid, 1, outputs, 'objectness'),
      ...toLevels(graph, whereMatched(ofClass.gradient), grid, classes, outputs, 'classes'),
    ]),
    sums: graph.op(
      'Concat',
      [
        total(whereMatched(box.value)),
        total(objectness.value),
        total(whereMatched(ofClass.value)),
        total(float(isMatched)),
      ],
      { axis: 0 },
    ),
  }
}

/** Cuts [channels, cells] into the maps of the levels again. */
function toLevels(
  graph: Graph,
  gradient: string,
  { levels }: Grid,
  channels: number,
  outputs: readonly LevelOutputs[],
  of: keyof LevelOutputs,
): [string, string][] {
  const sizes = levels.map(({ width, height }) => width * height)
  const parts = graph.many(
    'Split',
    [gradient, graph.ints(sizes)],
    { axis: 1 },
    sizes.map((size) => [channels, size]),
  )
  return levels.map(({ width, height }, at) => {
    const shape = [1, channels, height, width]
    return [outputs[at]![of], graph.op('Reshape', [parts[at]!, graph.ints(shape)], {}, shape)]
  })
}
