import type { KnownShapes } from '../../onnx/shapes/shape-values.ts'
import { type Draft, type DraftNode, int, ints } from '../graph/draft.ts'

/**
 * Channels that go together: what one convolution gives, and all that is added to it channel by channel. Each value
 * of four axes lists the group of each of its channels.
 */
export interface ChannelGroups {
  of: Map<string, number[]>
  /** Root of a group. */
  root(group: number): number
  /** Roots of groups that something reads which needs all of its channels. */
  fixed: Set<number>
}

const SAME = new Set([
  'Sigmoid',
  'Relu',
  'LeakyRelu',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Softplus',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Resize',
  'Clip',
  'Mish',
  'Elu',
])

/** Finds the groups by following channels from the picture on; what is not understood keeps all of its channels. */
export function channelGroups(
  draft: Draft,
  { shapes, values }: Pick<KnownShapes, 'shapes' | 'values'>,
): ChannelGroups {
  const parents: number[] = []
  const root = (group: number): number => {
    let at = group
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!
      at = parents[at]!
    }
    return at
  }
  const fresh = (count: number) => Array.from({ length: count }, () => parents.push(parents.length) - 1)
  const of = new Map<string, number[]>()
  const pending = new Set<number>()
  const channels = (name: string): number[] => {
    const known = of.get(name)
    if (known !== undefined) {
      return known
    }
    const made = fresh(shapes.get(name)?.[1] ?? 0)
    fix(made)
    of.set(name, made)
    return made
  }
  const fix = (groups: readonly number[]) => {
    for (const group of groups) {
      pending.add(group)
    }
  }
  for (const node of draft.nodes) {
    const given = outputsOf(node, draft, { shapes, values }, channels, fresh, (a, b) => {
      parents[root(a)] = root(b)
    })
    if (given === undefined) {
      for (const name of [...node.inputs, ...node.captures]) {
        fix(of.get(name) ?? [])
      }
      continue
    }
    node.outputs.forEach((name, index) => {
      of.set(name, given[index] ?? [])
    })
  }
  for (const { name } of draft.outputs) {
    fix(of.get(name) ?? [])
  }
  return { of, root, fixed: new Set([...pending].map(root)) }
}

/** Groups of the channels that a node gives; undefined where it is none of the known. */
function outputsOf(
  node: DraftNode,
  draft: Draft,
  { shapes, values }: Pick<KnownShapes, 'shapes' | 'values'>,
  channels: (name: string) => number[],
  fresh: (count: number) => number[],
  join: (a: number, b: number) => void,
): number[][] | undefined {
  const [input = ''] = node.inputs
  const data = node.inputs.filter((name) => name !== '' && !draft.constants.has(name))
  if (data.some((name) => shapes.get(name)?.length !== 4)) {
    return undefined
  }
  if (node.op === 'Conv') {
    return convolution(node, draft, channels, fresh)
  }
  if (SAME.has(node.op)) {
    return [channels(input)]
  }
  if (node.op === 'Concat' && int(node, 'axis') === 1) {
    return node.inputs.some((name) => draft.constants.has(name)) ? undefined : [node.inputs.flatMap(channels)]
  }
  if (node.op === 'Split' && int(node, 'axis') === 1) {
    const sizes = values.get(node.inputs[1] ?? '')
    const all = channels(input)
    return sizes?.map((size, index) => {
      const from = sizes.slice(0, index).reduce((sum, one) => sum + one, 0)
      return all.slice(from, from + size)
    })
  }
  if ((node.op === 'Add' || node.op === 'Mul') && node.inputs.length === 2) {
    const [a = '', b = ''] = node.inputs
    const single = [a, b].find((name) => draft.constants.has(name))
    if (single !== undefined) {
      const size = draft.constants.get(single)!.dims.reduce((product, edge) => product * edge, 1)
      return size === 1 ? [channels(single === a ? b : a)] : undefined
    }
    const [left, right] = [channels(a), channels(b)]
    if (left.length !== right.length) {
      return undefined
    }
    left.forEach((group, at) => {
      join(group, right[at]!)
    })
    return [left]
  }
  return undefined
}

function convolution(
  node: DraftNode,
  draft: Draft,
  channels: (name: string) => number[],
  fresh: (count: number) => number[],
): number[][] | undefined {
  const weight = draft.constants.get(node.inputs[1] ?? '')
  const groups = int(node, 'group') ?? 1
  const bias = node.inputs[2]
  if (
    weight?.type !== 'float32' ||
    weight.dims.length !== 4 ||
    (bias !== undefined && bias !== '' && !draft.constants.has(bias))
  ) {
    return undefined
  }
  if (groups === 1) {
    channels(node.inputs[0]!)
    return [fresh(weight.dims[0]!)]
  }
  // Depthwise: each channel alone.
  const isDepthwise =
    groups === weight.dims[0] && weight.dims[1] === 1 && ints(node, 'kernel_shape') !== undefined
  return isDepthwise ? [channels(node.inputs[0]!)] : undefined
}
