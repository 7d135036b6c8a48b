import { int } from '../graph/graph.ts'
import type { Gradients, Step } from './gradient.ts'

/** Joined values take their gradients apart again. */
export function concatGradient({ graph, node, upstream, wants }: Step): Gradients {
  const shapes = node.inputs.map((name) => graph.shape(name))
  const rank = shapes[0]!.length
  const axis = (int(node, 'axis', 0) + rank) % rank
  const sizes = shapes.map((shape) => shape[axis]!)
  const parts = graph.many('Split', [upstream, graph.ints(sizes)], { axis }, shapes)
  return node.inputs.map((name, at) => (wants(name) ? parts[at] : undefined))
}
