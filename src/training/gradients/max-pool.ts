import { product } from '../graph/graph.ts'
import type { Gradients, Step } from './gradient.ts'

/** The gradient goes to the pixel that was the largest; one that was so in several windows takes their sum. */
export function maxPoolGradient({ graph, node, upstream, wants }: Step): Gradients {
  const [x] = node.inputs as [string]
  if (!wants(x)) {
    return [undefined]
  }
  const shape = graph.shape(x)
  // The second output of MaxPool is the place of each largest value in the flattened input.
  const winners = node.outputs[1] ?? `${node.outputs[0]}.winners`
  node.outputs[1] = winners
  const flat = graph.ints([-1])
  const sums = graph.op(
    'ScatterElements',
    [
      graph.floats(new Float32Array(product(shape))),
      graph.op('Reshape', [winners, flat]),
      graph.op('Reshape', [upstream, flat]),
    ],
    { axis: 0, reduction: 'add' },
  )
  return [graph.op('Reshape', [sums, graph.ints([...shape])], {}, shape)]
}
