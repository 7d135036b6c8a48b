import type { Graph } from '../graph/graph.ts'
import type { Convolution } from './convolution.ts'

/**
 * Gradient of a convolution with respect to its input: the transposed convolution.
 *
 * With stride 1 it is a convolution itself, under the kernel turned by 180° and with channels exchanged, which the
 * runtime does faster than `ConvTranspose`.
 */
export function convInput(graph: Graph, sizes: Convolution, weight: string, upstream: string): string {
  const { input, kernel, pads, strides, groups, isDepthwise, isPointwise } = sizes
  const [height, width] = kernel
  if (isPointwise) {
    const exchanged = graph.op('Transpose', [weight], { perm: [1, 0, 2, 3] })
    return graph.op('Conv', [upstream, exchanged], { kernel_shape: [1, 1] }, input)
  }
  const isDense = groups === 1
  if (strides.every((by) => by === 1) && (isDense || isDepthwise)) {
    const turned = graph.op('Slice', [
      weight,
      graph.ints([-1, -1]),
      graph.ints([BEFORE_FIRST, BEFORE_FIRST]),
      graph.ints([2, 3]),
      graph.ints([-1, -1]),
    ])
    const kernels = isDense ? graph.op('Transpose', [turned], { perm: [1, 0, 2, 3] }) : turned
    const around = [height - 1 - pads[0], width - 1 - pads[1], height - 1 - pads[2], width - 1 - pads[3]]
    return graph.op(
      'Conv',
      [upstream, kernels],
      { kernel_shape: kernel, pads: around, group: groups, strides: [1, 1] },
      input,
    )
  }
  return graph.op(
    'ConvTranspose',
    [upstream, weight],
    { kernel_shape: kernel, strides, pads, group: groups, output_padding: leftOver(sizes) },
    input,
  )
}

/** End of a slice that goes backwards to the first element. */
const BEFORE_FIRST = -(2 ** 31)

/** Rows and columns at the end of the input that no kernel reached. */
function leftOver({ input, output, kernel, pads, strides }: Convolution): number[] {
  return [0, 1].map((axis) => {
    const reached = (output[axis]! - 1) * strides[axis]! - pads[axis]! - pads[axis + 2]! + kernel[axis]!
    return input[axis + 2]! - reached
  })
}
