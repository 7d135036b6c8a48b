import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../datasets/random.ts'
import type { Tensor } from '../../model/tensor.ts'
import type { Attribute } from '../../onnx/write/encode.ts'
import { openSession } from '../../runtime/session.ts'
import { appendBackward } from '../graph/backward.ts'
import { Graph, product } from '../graph/graph.ts'
import { toOnnx } from '../graph/to-onnx.ts'
import { GRADIENT_RULES } from './rules.ts'

/** A layer under test: the shapes of what it reads, and how it is written. */
interface Layer {
  op: string
  inputs: Record<string, readonly number[]>
  attributes?: Record<string, Attribute>
  output: readonly number[]
  /** Read before the layer, for layers that are a pair. */
  before?: (graph: Graph) => void
  reads?: readonly string[]
}

function graphOf(layer: Layer): { graph: Graph; names: string[] } {
  const graph = new Graph()
  const names = Object.keys(layer.inputs)
  for (const [name, dims] of Object.entries(layer.inputs)) {
    graph.input({ name, type: 'float32', dims })
  }
  layer.before?.(graph)
  graph.add({
    op: layer.op,
    inputs: [...(layer.reads ?? names)],
    outputs: ['y'],
    attributes: layer.attributes ?? {},
  })
  graph.shapes.set('y', layer.output)
  return { graph, names }
}

/**
 * The largest difference between the gradients of Σ seed · layer(inputs) and central differences of it, over the
 * larger of the two and 1, at some places of each input.
 */
async function worstDifference(layer: Layer, random: () => number): Promise<number> {
  const { graph, names } = graphOf(layer)
  graph.input({ name: 'seed', type: 'float32', dims: layer.output })
  const forward = [...graph.nodes]
  const gradients = appendBackward(graph, forward, new Map([['y', 'seed']]), new Set(names))
  graph.output({ name: 'out', type: 'float32', dims: layer.output }, 'y')
  for (const name of names) {
    graph.output({ name: `d.${name}`, type: 'float32', dims: layer.inputs[name]! }, gradients.get(name)!)
  }
  const session = await openSession(toOnnx(graph), { threads: 1 })
  try {
    const values = new Map<string, Tensor>()
    for (const { name, dims } of graph.inputs) {
      const data = Float32Array.from({ length: product(dims as number[]) }, () => random() * 2 - 1)
      values.set(name, { type: 'float32', dims: dims as number[], data })
    }
    const seed = values.get('seed')!.data as Float32Array
    const loss = async () => {
      const out = (await session.run(values)).get('out')!.data as Float32Array
      return out.reduce((sum, value, at) => sum + value * seed[at]!, 0)
    }
    const found = await session.run(values)
    let worst = 0
    for (const name of names) {
      const data = values.get(name)!.data as Float32Array
      const analytic = found.get(`d.${name}`)!.data as Float32Array
      for (let probe = 0; probe < Math.min(6, data.length); probe++) {
        const at = Math.floor(random() * data.length)
        const before = data[at]!
        data[at] = before + STEP
        const above = await loss()
        data[at] = before - STEP
        const below = await loss()
        data[at] = before
        const numeric = (above - below) / (2 * STEP)
        const scale = Math.max(1, Math.abs(numeric), Math.abs(analytic[at]!))
        worst = Math.max(worst, Math.abs(numeric - analytic[at]!) / scale)
      }
    }
    return worst
  } finally {
    await session.release()
  }
}

/** Small enough not to change which pixel of a window is the largest, for most draws. */
const STEP = 1 / 512
/** float32 sums of a few hundred products, divided by the step. */
const TOLERANCE = 5e-3

const conv = (
  [batch, channels, height, width]: [number, number, number, number],
  filters: number,
  kernel: number,
  stride: number,
  pad: number,
  groups: number,
): Layer => ({
  op: 'Conv',
  inputs: {
    x: [batch, channels, height, width],
    w: [filters, channels / groups, kernel, kernel],
    b: [filters],
  },
  attributes: {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  },
  output: [
    batch,
    filters,
    Math.floor((height + 2 * pad - kernel) / stride) + 1,
    Math.floor((width + 2 * pad - kernel) / stride) + 1,
  ],
})

const LAYERS: [name: string, Layer][] = [
  ['Conv over channels only', conv([1, 6, 5, 4], 3, 1, 1, 0, 1)],
  ['Conv over channels only, two pictures', conv([2, 6, 5, 4], 3, 1, 1, 0, 1)],
  ['Conv over channels with stride', conv([1, 4, 7, 6], 3, 1, 2, 0, 1)],
  ['Conv of 3 × 3', conv([1, 3, 6, 7], 4, 3, 1, 1, 1)],
  ['Conv of 3 × 3 with stride on an odd size', conv([2, 3, 7, 5], 4, 3, 2, 1, 1)],
  ['Conv of 3 × 3 with stride on an even size', conv([1, 3, 8, 6], 4, 3, 2, 1, 1)],
  ['Conv of each channel', conv([2, 5, 6, 6], 5, 3, 1, 1, 5)],
  ['Conv of each channel with stride', conv([1, 5, 8, 7], 5, 5, 2, 2, 5)],
  ['Sigmoid', { op: 'Sigmoid', inputs: { x: [1, 2, 3, 4] }, output: [1, 2, 3, 4] }],
  ['Relu', { op: 'Relu', inputs: { x: [1, 2, 3, 4] }, output: [1, 2, 3, 4] }],
  [
    'LeakyRelu',
    {
      op: 'LeakyRelu',
      inputs: { x: [1, 2, 3, 4] },
      attributes: { alpha: { float: 0.1 } },
      output: [1, 2, 3, 4],
    },
  ],
  ['Add', { op: 'Add', inputs: { a: [1, 2, 3, 4], b: [1, 2, 3, 4] }, output: [1, 2, 3, 4] }],
  ['Mul', { op: 'Mul', inputs: { a: [1, 2, 3, 4], b: [1, 2, 3, 4] }, output: [1, 2, 3, 4] }],
  [
    'Mul by its own Sigmoid',
    {
      op: 'Mul',
      inputs: { x: [1, 2, 3, 4] },
      before: (graph) => {
        graph.add({ op: 'Sigmoid', inputs: ['x'], outputs: ['s'], attributes: {} })
        graph.shapes.set('s', [1, 2, 3, 4])
      },
      reads: ['x', 's'],
      output: [1, 2, 3, 4],
    },
  ],
  [
    'Add of one value twice',
    { op: 'Add', inputs: { a: [1, 2, 3, 4] }, reads: ['a', 'a'], output: [1, 2, 3, 4] },
  ],
  [
    'Concat',
    {
      op: 'Concat',
      inputs: { a: [1, 2, 3, 4], b: [1, 5, 3, 4] },
      attributes: { axis: 1 },
      output: [1, 7, 3, 4],
    },
  ],
  [
    'MaxPool',
    {
      op: 'MaxPool',
      inputs: { x: [1, 3, 6, 6] },
      attributes: { kernel_shape: [5, 5], strides: [1, 1], pads: [2, 2, 2, 2] },
      output: [1, 3, 6, 6],
    },
  ],
  [
    'Resize by two',
    {
      op: 'Resize',
      inputs: { x: [1, 3, 4, 5] },
      before: (graph) => {
        graph.constant('scales', { dims: [4], data: Float32Array.of(1, 1, 2, 2) })
      },
      reads: ['x', '', 'scales'],
      attributes: {
        mode: 'nearest',
        nearest_mode: 'floor',
        coordinate_transformation_mode: 'asymmetric',
      },
      output: [1, 3, 8, 10],
    },
  ],
]

describe('gradients', () => {
  it.each(LAYERS)('of %s are the slopes of the layer as the runtime computes it', async (_, layer) => {
    expect(await worstDifference(layer, seededRandom(7))).toBeLessThan(TOLERANCE)
  })
  it('are known for every operator that is tested, and tested for every one that is known', () => {
    expect([...new Set(LAYERS.map(([, { op }]) => op))].sort()).toEqual([...GRADIENT_RULES.keys()].sort())
  })
  it('are refused by name for another operator', () => {
    const { graph } = graphOf({ op: 'InstanceNormalization', inputs: { x: [1, 2, 3] }, output: [1, 2, 3] })
    expect(() => appendBackward(graph, [...graph.nodes], new Map([['y', 'x']]), new Set(['x']))).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringContaining('InstanceNormalization'),
      }),
    )
  })
})
