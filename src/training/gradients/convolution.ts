import { type Graph, type GraphNode, int, ints } from '../graph/graph.ts'

/** Sizes of a convolution, read once for both of its gradients. */
export interface Convolution {
  /** Batch, channels, height, width of the input. */
  input: readonly [number, number, number, number]
  /** Height and width of the output. */
  output: readonly [number, number]
  filters: number
  /** Kernel height and width. */
  kernel: readonly [number, number]
  strides: readonly [number, number]
  /** Top, left, bottom, right. */
  pads: readonly [number, number, number, number]
  groups: number
  /** Each channel has its own kernel. */
  isDepthwise: boolean
  /** A matrix product over channels. */
  isPointwise: boolean
}

export function convolutionOf(graph: Graph, node: GraphNode): Convolution {
  const [x, weight] = node.inputs as [string, string]
  const [filters = 0, depth = 0, kernelHeight = 0, kernelWidth = 0] = graph.shape(weight)
  const [batch = 0, channels = 0, height = 0, width = 0] = graph.shape(x)
  const [, , down = 0, across = 0] = graph.shape(node.outputs[0]!)
  const strides = ints(node, 'strides', [1, 1]) as [number, number]
  const groups = int(node, 'group', 1)
  return {
    input: [batch, channels, height, width],
    output: [down, across],
    filters,
    kernel: [kernelHeight, kernelWidth],
    strides,
    pads: ints(node, 'pads', [0, 0, 0, 0]) as [number, number, number, number],
    groups,
    isDepthwise: groups === channels && depth === 1 && filters === channels,
    isPointwise: groups === 1 && kernelHeight === 1 && kernelWidth === 1 && strides.every((by) => by === 1),
  }
}
