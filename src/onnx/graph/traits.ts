import type { GraphSuppression, QuantizationKind } from '../../model/signature.ts'
import { defined } from '../../system/defined.ts'
import type { OnnxModel } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import type { Links } from './links.ts'

/** How the file is quantized, from its operators and the types of its weights. */
export function quantizationKind(model: OnnxModel, links: Links, ops: Map<string, number>): QuantizationKind {
  const names = [...ops.keys()].map((name) => name.slice(name.indexOf(':') + 1))
  const has = (...wanted: string[]) => wanted.some((op) => names.includes(op))
  if (names.some((op) => op.startsWith('QLinear') || op === 'QGemm')) {
    return 'qoperator'
  }
  if (has('ConvInteger', 'MatMulInteger', 'DynamicQuantizeLinear', 'DynamicQuantizeMatMul')) {
    return 'dynamic'
  }
  if (has('QuantizeLinear')) {
    return 'qdq'
  }
  const { half, full, small } = weightTypes(links)
  if (small > half + full) {
    return 'int8-weights'
  }
  if (half <= full) {
    return 'none'
  }
  // Float32 at the borders with a Cast behind it is still float16 arithmetic; weights cast one by one are not.
  return halfWeightsAreCast(model, links) ? 'float16-weights' : 'float16'
}

function weightTypes(links: Links): { half: number; full: number; small: number } {
  let half = 0
  let full = 0
  let small = 0
  for (const tensor of links.constants.values()) {
    if (tensor.type === 'float16' || tensor.type === 'bfloat16') {
      half += tensor.elements
    } else if (tensor.type === 'float32' || tensor.type === 'float64') {
      full += tensor.elements
    } else if (tensor.type === 'int8' || tensor.type === 'uint8') {
      small += tensor.elements
    }
  }
  return { half, full, small }
}

function halfWeightsAreCast(model: OnnxModel, links: Links): boolean {
  let cast = 0
  let direct = 0
  for (const node of model.graph.nodes) {
    for (const name of node.inputs) {
      if (links.constants.get(name)?.type !== 'float16') {
        continue
      }
      if (node.op === 'Cast') {
        cast++
      } else {
        direct++
      }
    }
  }
  return cast > direct
}

const SUPPRESSION_OPS = new Set([
  'NonMaxSuppression',
  'EfficientNMS_TRT',
  'BatchedNMS_TRT',
  'TRTBatchedNMS',
  'MultiClassNMS',
])

/** Suppression inside the graph and its settings: inputs 2, 3 and 4 of NonMaxSuppression. */
export function graphSuppression(model: OnnxModel, links: Links): GraphSuppression[] {
  const constant = (name: string | undefined): number | undefined => {
    const tensor = name === undefined ? undefined : links.constants.get(name)
    return tensor === undefined || tensor.elements !== 1 ? undefined : tensorValues(model.bytes, tensor)?.[0]
  }
  return links.nodes
    .filter((node) => SUPPRESSION_OPS.has(node.op))
    .map((node) => {
      const [, , most, iou, score] = node.op === 'NonMaxSuppression' ? node.inputs.map(constant) : []
      return {
        op: node.op,
        ...defined({ maxPerClass: most, iou, score }),
      }
    })
}
