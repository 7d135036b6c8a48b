import type { InputStem } from '../../model/signature.ts'
import { MAX_WALK_STEPS } from '../limits.ts'
import { type OnnxModel, type OnnxNode, qualifiedOp } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import { weightedLayer } from './layers.ts'
import type { Links } from './links.ts'

/** A mean or deviation per channel has 3 values, a quantization scale 1; more is a weight or a grid. */
const SMALL_CONSTANT = 16

/** Preparation is a handful of nodes. What is still unweighted after this many is not preparation. */
const MAX_STEM_NODES = 64

/** What the graph does to each real input before its first weighted layer. */
export function inputStems(
  model: OnnxModel,
  links: Links,
  inputs: readonly string[],
): Map<string, InputStem> {
  const consumers = new Map<string, OnnxNode[]>()
  for (const node of model.graph.nodes) {
    for (const name of new Set(node.inputs)) {
      const known = consumers.get(name)
      if (known === undefined) {
        consumers.set(name, [node])
      } else {
        known.push(node)
      }
    }
  }
  const budget = { steps: 0 }
  return new Map(inputs.map((name) => [name, walkStem(model, links, consumers, name, budget)]))
}

function walkStem(
  model: OnnxModel,
  links: Links,
  consumers: Map<string, OnnxNode[]>,
  input: string,
  budget: { steps: number },
): InputStem {
  const stem: InputStem = { ops: [], constants: [], firstWeight: undefined }
  const seen = new Set<OnnxNode>()
  const queue = [input]
  // `for of` over an array also visits what is pushed meanwhile: breadth first.
  for (const name of queue) {
    for (const node of consumers.get(name) ?? []) {
      if (++budget.steps > MAX_WALK_STEPS) {
        return stem
      }
      if (seen.has(node) || seen.size >= MAX_STEM_NODES) {
        continue
      }
      seen.add(node)
      budget.steps += node.inputs.length + node.outputs.length
      const layer = weightedLayer(links, node)
      if (layer !== undefined) {
        stem.firstWeight ??= layer.weight
        continue
      }
      addOp(model, links, node, stem)
      // Scale and zero point are no longer the picture.
      const outputs = node.op === 'DynamicQuantizeLinear' ? node.outputs.slice(0, 1) : node.outputs
      for (const output of outputs) {
        if (output !== '') {
          queue.push(output)
        }
      }
    }
  }
  return stem
}

function addOp(model: OnnxModel, links: Links, node: OnnxNode, stem: InputStem): void {
  const op = qualifiedOp(node)
  if (!stem.ops.includes(op)) {
    stem.ops.push(op)
  }
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(node.op)) {
    return
  }
  for (const name of node.inputs) {
    const tensor = links.constants.get(name)
    if (tensor === undefined || tensor.elements > SMALL_CONSTANT) {
      continue
    }
    const values = tensorValues(model.bytes, tensor)
    if (values !== undefined) {
      stem.constants.push({ op, values })
    }
  }
}
