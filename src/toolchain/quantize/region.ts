import { isBinExpectation, weightedLayer } from '../../onnx/graph/layers.ts'
import { linkGraph } from '../../onnx/graph/links.ts'
import type { Draft, DraftNode } from '../graph/draft.ts'
import { producersOf, readersOf } from '../graph/rewire.ts'
import { viewDraft } from '../graph/write-draft.ts'

/** Parts of the graph that are tried one by one. */
export const PARTS = 12

/** What may be computed in whole numbers. */
export interface Region {
  /** In the order of the graph, all before the last layers. */
  nodes: DraftNode[]
  /** Part of each node, 0 for those next to the picture. */
  partOf: Map<DraftNode, number>
  /** Layers behind which no other comes: what they give is decoded, and stays float. */
  last: Set<DraftNode>
}

/** The runtime has these for whole numbers, or moves them as they are. */
const WHOLE = new Set([
  'Conv',
  'Sigmoid',
  'LeakyRelu',
  'Relu',
  'Clip',
  'Mul',
  'Add',
  'Concat',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Resize',
  'Split',
  'Slice',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
])

/** Hand values on as they are, so that what they give has the scale of what they get. */
export const MOVES = new Set([
  'MaxPool',
  'Resize',
  'Split',
  'Slice',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
])

/**
 * The nodes between the first convolution and the last ones that the runtime can compute in whole numbers. Everything
 * behind the last weighted convolution stays float: one scale for boxes and scores leaves nothing of the scores.
 */
export function findRegion(draft: Draft): Region {
  const convolutions = layersOf(draft)
  const producers = producersOf(draft)
  const before = new Set<DraftNode>()
  const stack = convolutions.flatMap(({ inputs }) => inputs.slice(0, 1))
  const seen = new Set<string>()
  while (stack.length > 0) {
    const name = stack.pop()!
    const producer = seen.has(name) ? undefined : producers.get(name)
    seen.add(name)
    if (producer !== undefined && !before.has(producer)) {
      before.add(producer)
      stack.push(...producer.inputs)
    }
  }
  const behindFirst = followers(draft, convolutions)
  const layers = new Set(convolutions)
  const nodes = draft.nodes.filter(
    (node) => layers.has(node) || (before.has(node) && behindFirst.has(node) && WHOLE.has(node.op)),
  )
  const partOf = new Map(nodes.map((node, at) => [node, Math.floor((at * PARTS) / nodes.length)]))
  return { nodes, partOf, last: new Set(convolutions.filter((node) => !before.has(node))) }
}

/** Convolutions with constant weights, without the one that only takes a mean over bins. */
function layersOf(draft: Draft): DraftNode[] {
  const view = viewDraft(draft)
  const links = linkGraph(view)
  return draft.nodes.filter((node, at) => {
    const weight = draft.constants.get(node.inputs[1] ?? '')
    if (node.op !== 'Conv' || weight?.type !== 'float32' || weight.dims.length !== 4) {
      return false
    }
    const layer = weightedLayer(links, view.graph.nodes[at]!)
    return layer !== undefined && !isBinExpectation(links, layer)
  })
}

/** Everything that depends on one of these. */
function followers(draft: Draft, from: readonly DraftNode[]): Set<DraftNode> {
  const readers = readersOf(draft)
  const found = new Set<DraftNode>()
  const stack = [...from]
  while (stack.length > 0) {
    for (const name of stack.pop()!.outputs) {
      for (const reader of readers.get(name) ?? []) {
        if (!found.has(reader)) {
          found.add(reader)
          stack.push(reader)
        }
      }
    }
  }
  return found
}

/** Values of a region that need a range: what its nodes read and give, constants aside. */
export function valuesOf({ nodes }: Region, draft: Draft): string[] {
  const names = new Set<string>()
  for (const node of nodes) {
    for (const name of activationsOf(node, draft)) {
      names.add(name)
    }
    for (const name of node.outputs) {
      names.add(name)
    }
  }
  names.delete('')
  return [...names]
}

/** Inputs of a node that come with the picture. */
export const activationsOf = (node: DraftNode, draft: Draft): string[] => {
  const data =
    node.op === 'Conv' || MOVES.has(node.op) || node.op === 'Clip' ? node.inputs.slice(0, 1) : node.inputs
  return data.filter((name) => name !== '' && !draft.constants.has(name))
}
