import { float } from '../graph/graph.ts'
import type { Gradients, Step } from './gradient.ts'

/** Logistic function: y′ = y (1 − y). */
export function sigmoidGradient({ graph, node, upstream, wants }: Step): Gradients {
  const [x] = node.inputs as [string]
  if (!wants(x)) {
    return [undefined]
  }
  const [y] = node.outputs as [string]
  const slope = graph.op('Mul', [y, graph.op('Sub', [graph.scalar(1), y])])
  return [graph.op('Mul', [upstream, slope], {}, graph.shape(x))]
}

/** Rectifier, plain or leaky: the slope is 1 where the output is positive, else `alpha`. */
export function reluGradient({ graph, node, upstream, wants }: Step): Gradients {
  const [x] = node.inputs as [string]
  if (!wants(x)) {
    return [undefined]
  }
  const rest = node.op === 'LeakyRelu' ? float(node, 'alpha', 0.01) : 0
  const isOn = graph.op('Greater', [node.outputs[0]!, graph.scalar(0)])
  const slope = graph.op('Where', [isOn, graph.scalar(1), graph.scalar(rest)])
  return [graph.op('Mul', [upstream, slope], {}, graph.shape(x))]
}
