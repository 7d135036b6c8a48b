import type { Gradients, Step } from './gradient.ts'

/** Every pixel repeated in a block: the gradients of the block are summed. */
export function resizeGradient({ graph, node, upstream, wants }: Step): Gradients {
  const [x] = node.inputs as [string]
  if (!wants(x)) {
    return node.inputs.map(() => undefined)
  }
  const [, , height = 0, width = 0] = graph.shape(x)
  const [, , down = 0, across = 0] = graph.shape(node.outputs[0]!)
  const block = [down / height, across / width]
  if (node.attributes.mode !== 'nearest' || !block.every(Number.isInteger)) {
    throw new TypeError(`no gradient for Resize by ${block.join(' × ')} in mode ${node.attributes.mode}`)
  }
  const mean = graph.op('AveragePool', [upstream], { kernel_shape: block, strides: block })
  const sum = graph.op('Mul', [mean, graph.scalar(block[0]! * block[1]!)], {}, graph.shape(x))
  return [sum, ...node.inputs.slice(1).map(() => undefined)]
}
