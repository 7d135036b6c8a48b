import { convInput } from './conv-input.ts'
import { convWeight } from './conv-weight.ts'
import { convolutionOf } from './convolution.ts'
import type { Gradients, Step } from './gradient.ts'

/**
 * Convolution: y = w ∗ x + b.
 *
 * source  Dumoulin, Visin: A guide to convolution arithmetic for deep learning (2016), chapter 4
 */
export function convGradient(step: Step): Gradients {
  const { graph, node, upstream, wants } = step
  const [x, weight, bias] = node.inputs as [string, string, string | undefined]
  const sizes = convolutionOf(graph, node)
  return [
    wants(x) ? convInput(graph, sizes, weight, upstream) : undefined,
    wants(weight) ? convWeight(graph, sizes, x, upstream) : undefined,
    bias !== undefined && wants(bias)
      ? graph.op('ReduceSum', [upstream, graph.ints([0, 2, 3])], { keepdims: 0 }, [sizes.filters])
      : undefined,
  ]
}
