import type { OnnxNode } from '../model.ts'
import { parseModel } from '../read/parse.ts'
import type { KnownShapes } from '../shapes/shape-values.ts'
import { inferShapes } from '../shapes/shapes.ts'
import { weightedLayer } from './layers.ts'
import { type Links, linkGraph } from './links.ts'

export interface WorkCount {
  /** Multiply-accumulate operations of one run; published FLOPs are twice this. */
  macs: number
  /** Convolutions and matrix products in `macs`. */
  counted: number
  /** Those whose sizes are not known before a run, or that lie in a branch or loop. */
  uncounted: number
}

/**
 * Work of one run in convolutions and matrix products, which is nearly all of it. `inputs` gives the sizes to
 * assume for inputs with free axes.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export function countWork(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, readonly number[]> = new Map(),
): WorkCount {
  const model = parseModel(bytes)
  const links = linkGraph(model)
  const known = inferShapes(model, links, inputs)
  const main = new Set(model.graph.nodes)
  const result: WorkCount = { macs: 0, counted: 0, uncounted: 0 }
  for (const node of [...links.nodes, ...model.functions.flatMap(({ nodes }) => nodes)]) {
    const found = main.has(node) ? nodeMacs(links, known, node) : undefined
    // Groups of no channels and the like.
    const macs = Number.isSafeInteger(found) ? found : undefined
    if (macs === undefined && !isProduct(links, node)) {
      continue
    }
    if (macs === undefined) {
      result.uncounted++
    } else {
      result.macs += macs
      result.counted++
    }
  }
  return result
}

const PRODUCTS = new Set(['MatMul', 'MatMulInteger', 'QLinearMatMul', 'Gemm'])

const isProduct = (links: Links, node: OnnxNode): boolean =>
  PRODUCTS.has(node.op) || weightedLayer(links, node) !== undefined

function nodeMacs(links: Links, known: KnownShapes, node: OnnxNode): number | undefined {
  const shape = known.shapes.get(node.outputs[0] ?? '')
  if (shape === undefined) {
    return undefined
  }
  const outputs = shape.reduce((result, size) => result * size, 1)
  const layer = weightedLayer(links, node)
  if (layer !== undefined) {
    return Math.round(outputs * layer.macsPerOutput)
  }
  if (!PRODUCTS.has(node.op)) {
    return undefined
  }
  const inner = known.shapes.get(node.inputs[0] ?? '')?.at(-1)
  return inner === undefined ? undefined : outputs * inner
}
