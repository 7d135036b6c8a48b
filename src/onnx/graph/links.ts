import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../model.ts'

/** Who makes and who holds each value, over the main graph and all of its subgraphs. */
export interface Links {
  producers: Map<string, OnnxNode>
  /** Initializers and the tensors of Constant nodes. */
  constants: Map<string, OnnxTensor>
  nodes: OnnxNode[]
}

/**
 * Names are unique over a graph and its subgraphs by the ONNX specification, so one map serves all. The bodies
 * of local functions have scopes of their own and are not part of it.
 */
export function linkGraph(model: OnnxModel): Links {
  const links: Links = { producers: new Map(), constants: new Map(), nodes: [] }
  add(model.graph, links)
  return links
}

function add(graph: OnnxGraph, links: Links): void {
  for (const [name, tensor] of graph.initializers) {
    links.constants.set(name, tensor)
  }
  for (const node of graph.nodes) {
    links.nodes.push(node)
    for (const output of node.outputs) {
      if (output !== '') {
        links.producers.set(output, node)
      }
    }
    if (node.op === 'Constant') {
      addConstant(node, links)
    }
    for (const subgraph of node.subgraphs) {
      add(subgraph, links)
    }
  }
}

function addConstant(node: OnnxNode, links: Links): void {
  const [output] = node.outputs
  const tensor = node.attributes.get('value')?.tensor
  if (output !== undefined && tensor !== undefined) {
    links.constants.set(output, tensor)
  }
}

/** Ops that change how a weight is stored and not what it is. */
const STORAGE_OPS = new Set([
  'DequantizeLinear',
  'Cast',
  'Identity',
  'Transpose',
  'CastLike',
  'Squeeze',
  'Unsqueeze',
])

/** A chain from a stored weight to its use: dequantize, cast, transpose; longer ones are not weights. */
const MAX_STORAGE_STEPS = 8

/** The constant behind a value, through the ops that weights of quantized and float16 files pass. */
export function resolveConstant(links: Links, name: string): OnnxTensor | undefined {
  let at = name
  for (let step = 0; step < MAX_STORAGE_STEPS; step++) {
    const constant = links.constants.get(at)
    if (constant !== undefined) {
      return constant
    }
    const node = links.producers.get(at)
    if (node === undefined || !(STORAGE_OPS.has(node.op) || isScaling(links, node))) {
      return undefined
    }
    at = node.inputs[0] ?? ''
  }
  return undefined
}

/** Codes made real by plain arithmetic, which the runtime folds at load where it keeps DequantizeLinear. */
const isScaling = (links: Links, { op, inputs }: OnnxNode): boolean =>
  (op === 'Mul' || op === 'Sub') &&
  links.constants.has(inputs[1] ?? '') &&
  !links.constants.has(inputs[0] ?? '')

/** True when the weight reaches its use with its last two axes swapped. */
export function isTransposed(links: Links, name: string): boolean {
  let transposed = false
  let at = name
  for (let step = 0; step < MAX_STORAGE_STEPS && !links.constants.has(at); step++) {
    const node = links.producers.get(at)
    if (node === undefined || !STORAGE_OPS.has(node.op)) {
      break
    }
    if (node.op === 'Transpose') {
      transposed = !transposed
    }
    at = node.inputs[0] ?? ''
  }
  return transposed
}
