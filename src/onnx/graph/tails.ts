import type { OutputTail } from '../../model/signature.ts'
import { MAX_TAIL_OPS, MAX_WALK_STEPS } from '../limits.ts'
import { type OnnxModel, type OnnxNode, qualifiedOp } from '../model.ts'
import { isBinExpectation, weightedLayer } from './layers.ts'
import { type Links, resolveConstant } from './links.ts'

/** A grid of the smallest head in use, 10×10 cells with x and y each, has 200 values; weights end the walk. */
const LARGE_CONSTANT = 1_000

/** These give sizes, not data: what lies behind them does not reach the output's values. */
const SIZE_OPS = new Set(['Shape', 'Size'])

/** What lies between each output and the last weighted layers behind it. */
export function outputTails(model: OnnxModel, links: Links): Map<string, OutputTail> {
  const budget = { steps: 0 }
  return new Map(model.graph.outputs.map(({ name }) => [name, walkBack(name, links, budget)]))
}

function walkBack(output: string, links: Links, budget: { steps: number }): OutputTail {
  const ops = new Set<string>()
  const weightedChannels: number[] = []
  let hasLargeConstant = false
  const seen = new Set<string>()
  const met = new Set<OnnxNode>()
  const stack = [output]
  while (stack.length > 0 && budget.steps++ < MAX_WALK_STEPS) {
    const name = stack.pop() as string
    if (seen.has(name)) {
      continue
    }
    seen.add(name)
    const constant = links.constants.get(name)
    if (constant !== undefined) {
      if (constant.elements >= LARGE_CONSTANT) {
        hasLargeConstant = true
      }
      continue
    }
    const node = links.producers.get(name)
    if (node === undefined || SIZE_OPS.has(node.op)) {
      continue
    }
    // Its scale and zero point come from the activations, and would lead past the layer they belong to.
    if (node.op === 'DynamicQuantizeLinear' && name !== node.outputs[0]) {
      continue
    }
    // A node with several outputs is met once for each of them, and counts once.
    if (met.has(node)) {
      continue
    }
    met.add(node)
    const layer = weightedLayer(links, node)
    if (layer !== undefined && !isBinExpectation(links, layer)) {
      weightedChannels.push(layer.outputChannels)
      continue
    }
    if (ops.size < MAX_TAIL_OPS) {
      ops.add(qualifiedOp(node))
    }
    const behind = sources(node, layer !== undefined, links)
    // Last first, so that inputs are met in their own order: boxes before scores in most heads.
    for (let index = behind.length - 1; index >= 0; index--) {
      stack.push(behind[index] as string)
    }
  }
  return { ops: [...ops], weightedChannels, hasLargeConstant }
}

/** Inputs of a node and the outputs of its subgraphs. */
function sources(node: OnnxNode, skipWeight: boolean, links: Links): string[] {
  const inputs = node.inputs.filter((name) => name !== '')
  const kept = skipWeight ? inputs.filter((name) => resolveConstant(links, name) === undefined) : inputs
  const inner = node.subgraphs.flatMap((graph) => graph.outputs.map(({ name }) => name))
  return [...kept, ...inner]
}
