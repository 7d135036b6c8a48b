import { type Graph, product } from '../graph/graph.ts'
import type { Convolution } from './convolution.ts'

/**
 * Gradient of a convolution with respect to its kernel: for each place of the kernel, the products of the
 * upstream gradient with the pixels that this place met.
 *
 * Written as slices of the padded input. The one grouped convolution that does the same is slower in ONNX Runtime
 * (130 against 122 ms a picture of YOLOX-nano at 416, one thread).
 */
export function convWeight(graph: Graph, sizes: Convolution, x: string, upstream: string): string {
  if (sizes.isPointwise) {
    const flat = correlate(graph, sizes, x, upstream)
    return graph.op('Reshape', [flat, graph.ints([sizes.filters, sizes.input[1], 1, 1])])
  }
  return sizes.isDepthwise ? depthwise(graph, sizes, x, upstream) : dense(graph, sizes, x, upstream)
}

function depthwise(graph: Graph, sizes: Convolution, x: string, upstream: string): string {
  const { input, kernel } = sizes
  const column = graph.ints([input[1], 1])
  const places = shiftedInputs(graph, sizes, x).map((shifted) => {
    const products = graph.op('Mul', [upstream, shifted])
    const sums = graph.op('ReduceSum', [products, graph.ints([0, 2, 3])], { keepdims: 0 })
    return graph.op('Reshape', [sums, column])
  })
  const joined = graph.op('Concat', places, { axis: 1 })
  return graph.op('Reshape', [joined, graph.ints([input[1], 1, ...kernel])])
}

/** Kernels over all channels of a group of filters. */
function dense(graph: Graph, sizes: Convolution, x: string, upstream: string): string {
  const { input, kernel, filters, groups } = sizes
  if (groups !== 1) {
    throw new TypeError(`no gradient for a convolution of ${groups} groups with ${input[1]} channels`)
  }
  const slab = graph.ints([filters, input[1], 1])
  const places = shiftedInputs(graph, sizes, x).map((shifted) =>
    graph.op('Reshape', [correlate(graph, sizes, shifted, upstream), slab]),
  )
  const joined = places.length === 1 ? places[0]! : graph.op('Concat', places, { axis: 2 })
  return graph.op('Reshape', [joined, graph.ints([filters, input[1], ...kernel])])
}

/** Σ over pictures and pixels of upstream[filter] · x[channel], as [filters, channels]. */
function correlate(
  graph: Graph,
  { input, output, filters }: Convolution,
  x: string,
  upstream: string,
): string {
  const [batch, channels] = input
  const pixels = product(output)
  const values = graph.op('Reshape', [x, graph.ints([batch, channels, pixels])])
  const errors = graph.op('Reshape', [upstream, graph.ints([batch, filters, pixels])])
  const turned = graph.op('Transpose', [values], { perm: [0, 2, 1] })
  const sums = graph.op('MatMul', [errors, turned])
  return batch === 1 ? sums : graph.op('ReduceSum', [sums, graph.ints([0])], { keepdims: 0 })
}

/** For each place of the kernel, row by row, the input pixels under it: [batch, channels, …output]. */
function shiftedInputs(
  graph: Graph,
  { input, output, kernel, pads, strides }: Convolution,
  x: string,
): string[] {
  const [batch, channels] = input
  // Up to a stride more at the end: the last slice may reach beyond the pixels that the kernel met.
  const ends = [pads[2] + strides[0], pads[3] + strides[1]]
  const isPlain = product(kernel) === 1 && pads.every((pad) => pad === 0)
  const padded = isPlain ? x : graph.op('Pad', [x, graph.ints([0, 0, pads[0], pads[1], 0, 0, ...ends])])
  const shifted: string[] = []
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const slice = graph.op(
        'Slice',
        [
          padded,
          graph.ints([row, column]),
          graph.ints([row + (output[0] - 1) * strides[0] + 1, column + (output[1] - 1) * strides[1] + 1]),
          graph.ints([2, 3]),
          graph.ints([...strides]),
        ],
        {},
        [batch, channels, ...output],
      )
      shifted.push(slice)
    }
  }
  return shifted
}
