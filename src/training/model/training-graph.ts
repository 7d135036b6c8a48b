import { appendBackward } from '../graph/backward.ts'
import { Graph, product } from '../graph/graph.ts'
import { toOnnx } from '../graph/to-onnx.ts'
import { detectionLoss } from '../loss/detection-loss.ts'
import { type Grid, gridOf } from '../loss/grid.ts'
import { addNetwork, type Network, type Parameter } from './network.ts'

/** Where a parameter lies in the vector of all that learn. */
export interface Slot extends Parameter {
  offset: number
  length: number
}

/** One run of this model takes a picture forward, gives its objects to cells, and brings the loss back. */
export interface TrainingGraph {
  /**
   * ONNX. Inputs: `image` [1, 3, size, size], `weights` [learned], `boxes` [objects, 4], `classes` int64 [objects],
   * `prior` [objects, cells]. Outputs: `gradient` [learned], `sums` [4] as `DetectionLoss` says.
   */
  bytes: Uint8Array
  slots: Slot[]
  /** Length of the vector of weights. */
  learned: number
  grid: Grid
}

export const INPUTS = {
  image: 'image',
  weights: 'weights',
  boxes: 'boxes',
  classes: 'classes',
  prior: 'prior',
} as const
export const OUTPUTS = { gradient: 'gradient', sums: 'sums' } as const

/**
 * Builds the graph of a training step for one picture.
 *
 * Weights come in as one vector and gradients leave as one, since each tensor that crosses into the runtime costs
 * as much as a hundred of its numbers.
 *
 * @param frozen share 0–1 of the convolutions, from the picture on, that keep their weights
 */
export function buildTrainingGraph(network: Network, frozen: number): TrainingGraph {
  const slots = learnedSlots(network, frozen)
  const learned = slots.reduce((sum, { length }) => sum + length, 0)
  const grid = gridOf(network.levels)
  const graph = new Graph()
  graph.input({ name: INPUTS.weights, type: 'float32', dims: [learned] })
  graph.input({ name: INPUTS.image, type: 'float32', dims: [1, 3, network.size, network.size] })
  const boxes = graph.input({ name: INPUTS.boxes, type: 'float32', dims: ['objects', 4] })
  const classes = graph.input({ name: INPUTS.classes, type: 'int64', dims: ['objects'] })
  const prior = graph.input({ name: INPUTS.prior, type: 'float32', dims: ['objects', grid.cells] })
  graph.add({ op: 'Identity', inputs: [INPUTS.image], outputs: [network.image], attributes: {} })

  const names = new Set(slots.map(({ name }) => name))
  const pieces = graph.many(
    'Split',
    [INPUTS.weights, graph.ints(slots.map(({ length }) => length))],
    { axis: 0 },
    slots.map(({ length }) => [length]),
  )
  for (const [at, { name, dims }] of slots.entries()) {
    graph.add({ op: 'Reshape', inputs: [pieces[at]!, graph.ints(dims)], outputs: [name], attributes: {} })
    graph.shapes.set(name, dims)
  }
  const forward = addNetwork(graph, network, names)
  const loss = detectionLoss(graph, network.outputs, { boxes, classes, prior }, grid, network.classes)
  const gradients = appendBackward(graph, forward, loss.seeds, names)
  const flat = slots.map(({ name }) => graph.op('Reshape', [gradients.get(name)!, graph.ints([-1])]))
  graph.output(
    { name: OUTPUTS.gradient, type: 'float32', dims: [learned] },
    graph.op('Concat', flat, { axis: 0 }),
  )
  graph.output({ name: OUTPUTS.sums, type: 'float32', dims: [4] }, loss.sums)
  return { bytes: toOnnx(graph), slots, learned, grid }
}

function learnedSlots(network: Network, frozen: number): Slot[] {
  const layers = network.nodes.filter(({ op }) => op === 'Conv')
  const fixed = new Set(
    layers.slice(0, Math.floor(layers.length * frozen)).flatMap(({ inputs }) => inputs.slice(1)),
  )
  let offset = 0
  return network.parameters
    .filter(({ name }) => !fixed.has(name))
    .map((parameter) => {
      const slot = { ...parameter, offset, length: product(parameter.dims) }
      offset += slot.length
      return slot
    })
}
