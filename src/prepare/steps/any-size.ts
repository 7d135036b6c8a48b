import { usedBy } from '../../onnx/graph/edit.ts'
import type { Folder } from '../../onnx/graph/fold.ts'
import type { Links } from '../../onnx/graph/links.ts'
import type { OnnxNode } from '../../onnx/model.ts'

/** Each output value depends on the values at its place or round it, whatever the height and width. */
const PLACE_WISE = new Set([
  'Conv',
  'Sigmoid',
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Clip',
  'HardSwish',
  'HardSigmoid',
  'Tanh',
  'Softplus',
  'Mish',
  'Elu',
  'Exp',
  'Identity',
  'Cast',
  'BatchNormalization',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'QuantizeLinear',
  'DequantizeLinear',
])

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max'])

/**
 * True when all nodes that these values depend on compute the same for any height and width. `proved` are nodes
 * of which that is known already.
 */
export function bodyTakesAnySize(
  values: readonly string[],
  links: Links,
  folder: Folder,
  proved: ReadonlySet<OnnxNode> = new Set(),
): boolean {
  const seen = new Set<OnnxNode>()
  const stack = [...values]
  while (stack.length > 0) {
    const node = links.producers.get(stack.pop() as string)
    if (node === undefined || seen.has(node)) {
      continue
    }
    if (!proved.has(node) && !takesAnySize(node, links, folder)) {
      return false
    }
    seen.add(node)
    for (const name of usedBy(node)) {
      stack.push(name)
    }
  }
  return true
}

/**
 * True when a node of an NCHW network computes the same for any height and width that its strides divide:
 * no size of the exported picture is written into it.
 */
function takesAnySize(node: OnnxNode, links: Links, folder: Folder): boolean {
  if (node.domain !== '') {
    return false
  }
  if (PLACE_WISE.has(node.op)) {
    return padsFixed(node)
  }
  if (node.op === 'ConvTranspose') {
    return padsFixed(node) && node.attributes.get('output_shape') === undefined
  }
  if (ELEMENTWISE.has(node.op)) {
    return node.inputs.every((name) => spreadsOver(name, links))
  }
  if (node.op === 'Concat') {
    return node.attributes.get('axis')?.int === 1
  }
  if (node.op === 'Split') {
    return node.attributes.get('axis')?.int === 1
  }
  if (node.op === 'Slice') {
    return slicesAnySize(node, folder)
  }
  if (node.op === 'Resize' || node.op === 'Upsample') {
    return scalesByFactor(node, folder)
  }
  // Constants themselves have no place.
  return node.op === 'Constant'
}

/** SAME_UPPER and SAME_LOWER depend on the size in a way that fixed pads do not. */
function padsFixed(node: OnnxNode): boolean {
  const mode = node.attributes.get('auto_pad')?.text
  return mode === undefined || mode === 'NOTSET' || mode === 'VALID'
}

/** Constants must be one number, or one per channel. */
function spreadsOver(name: string, links: Links): boolean {
  const constant = links.constants.get(name)
  if (constant === undefined) {
    return true
  }
  const { dims, elements } = constant
  if (elements === 1) {
    return dims.length <= 4
  }
  return (dims.length === 3 || dims.length === 4) && dims.at(-1) === 1 && dims.at(-2) === 1
}

/** Whole channels, or every second pixel from a fixed start to the end, as Focus does. */
function slicesAnySize(node: OnnxNode, folder: Folder): boolean {
  const [, startName, endName, axesName, stepName] = node.inputs
  const read = (name: string | undefined, attribute: string) =>
    name === undefined || name === '' ? node.attributes.get(attribute)?.ints : folder.values(name)
  const starts = read(startName, 'starts')
  const ends = read(endName, 'ends')
  const axes = read(axesName, 'axes')
  if (starts === undefined || ends === undefined || axes === undefined) {
    return false
  }
  if (stepName !== undefined && folder.values(stepName) === undefined) {
    return false
  }
  return axes.every((axis, index) => {
    if (axis === 1) {
      return true
    }
    const end = ends[index] ?? 0
    return (axis === 2 || axis === 3) && (starts[index] ?? -1) >= 0 && end >= TO_THE_END
  })
}

/** Exporters write 2^31 − 1 or 2^63 − 1 for "to the end"; no picture is as wide as this. */
const TO_THE_END = 2 ** 31 - 1

/** Scales are given, sizes are not. */
function scalesByFactor(node: OnnxNode, folder: Folder): boolean {
  const scales = node.op === 'Upsample' ? node.inputs[1] : node.inputs[2]
  const sizes = node.op === 'Upsample' ? undefined : node.inputs[3]
  if (scales === undefined || (sizes !== undefined && sizes !== '')) {
    return false
  }
  const factors = folder.values(scales)
  return factors?.length === 4 && factors[0] === 1 && factors[1] === 1
}
