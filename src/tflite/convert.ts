import type { ElementType } from '../onnx/types.ts'
import { GraphBuilder } from '../onnx/write/graph-builder.ts'
import { isQuantized, realType } from './constants.ts'
import { elementCount, type TfliteGraph, type TfliteTensor } from './graph.ts'
import { corrupt, MAX_CONSTANT_BYTES, tooLarge, unsupported } from './limits.ts'
import { Operation } from './operation.ts'
import { DETECTION_OUTPUTS, detectionPostProcess, type RawDetections } from './ops/detection.ts'
import { CONVERSIONS } from './ops/registry.ts'
import { identity } from './order.ts'
import { Values } from './values.ts'

const DETECTION = 'TFLite_Detection_PostProcess'
/** Refused by name in one message; more only fill the screen. */
const MAX_NAMED = 8

/**
 * Turns a TFLite graph into an ONNX graph. Inputs stay as the file has them; quantized outputs become the reals
 * that they stand for.
 *
 * @throws BoxletError MODEL_UNSUPPORTED naming every operator that has no conversion
 */
export function convertGraph(source: TfliteGraph): GraphBuilder {
  refuseUnknown(source)
  const graph = new GraphBuilder('tflite')
  const values = new Values(graph, source)
  const outputNames = nameOutputs(source)
  for (const index of source.inputs) {
    addInput(graph, values, index)
  }
  // Outputs keep their names, so nodes between must not take them.
  const reserved = source.outputs.map((index) => graph.unique(outputNames.get(index) ?? ''))
  let raw: RawDetections | undefined
  for (const [position, operator] of source.operators.entries()) {
    graph.scope = `${position}:${operator.name}`
    const at = new Operation(operator, values)
    if (operator.isCustom) {
      raw = detectionPostProcess(at)
    } else {
      CONVERSIONS[operator.name]!(at)
    }
  }
  for (const [place, index] of source.outputs.entries()) {
    addOutput(graph, values, index, reserved[place]!)
  }
  if (raw !== undefined) {
    addRaw(graph, raw)
  }
  if (graph.outputs.length === 0) {
    throw corrupt('outputs', 'none')
  }
  graph.prune()
  if (graph.constantBytes > MAX_CONSTANT_BYTES) {
    throw tooLarge('bytes of constants', MAX_CONSTANT_BYTES, graph.constantBytes)
  }
  return graph
}

/** Names of operators in the file that cannot be converted, each once. */
function unknownOperators(source: TfliteGraph): string[] {
  const names = source.operators
    .filter(({ name, isCustom }) => (isCustom ? name !== DETECTION : !Object.hasOwn(CONVERSIONS, name)))
    .map(({ name }) => name.slice(0, 80))
  return [...new Set(names)]
}

function refuseUnknown(source: TfliteGraph): void {
  const names = unknownOperators(source)
  if (names.length === 0) {
    return
  }
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
  throw unsupported(`${names.slice(0, MAX_NAMED).join(', ')}${more}`)
}

/** The four outputs of the detection operator get the names that people and families know them by. */
export function nameOutputs(source: TfliteGraph): Map<number, string> {
  const names = new Map(source.outputs.map((index) => [index, source.tensors[index]!.name]))
  const detection = source.operators.find(({ name, isCustom }) => isCustom && name === DETECTION)
  for (const [place, index] of (detection?.outputs ?? []).entries()) {
    const name = DETECTION_OUTPUTS[place]
    if (name !== undefined && names.has(index)) {
      names.set(index, name)
    }
  }
  return names
}

function addInput(graph: GraphBuilder, values: Values, index: number): void {
  const tensor = values.tensor(index)
  const type = storedType(tensor)
  // A free batch is taken as one picture; a free height or width would be taken as one pixel.
  if (tensor.freeAxes.some((axis) => axis > 0)) {
    throw unsupported('an input of free size', 'Export the model with a fixed height and width.')
  }
  const order = identity(tensor.shape.length)
  const name = graph.input(tensor.name, type, tensor.shape)
  graph.scope = 'input'
  const scale = values.codeScale(index)
  if (scale !== undefined && tensor.type === 'uint8') {
    values.setCodes(index, name, order)
  } else {
    values.setReal(index, realInput(graph, tensor, name), order)
  }
}

/** Real values of an input as the file stores it. */
function realInput(graph: GraphBuilder, tensor: TfliteTensor, name: string): string {
  const { scales, zeroPoints } = tensor.quantization ?? { scales: [1], zeroPoints: [0] }
  if (tensor.type === 'float16') {
    return graph.node('Cast', [name], { to: { type: 'float32' } })
  }
  if (!isQuantized(tensor)) {
    return name
  }
  if (scales.length !== 1) {
    throw unsupported(`an input with ${scales.length} scales`)
  }
  const scale = graph.scalar(scales[0]!)
  if (tensor.type === 'int8') {
    return graph.node('DequantizeLinear', [name, scale, graph.int8([zeroPoints[0]!], [])])
  }
  const codes = graph.node('Cast', [name], { to: { type: 'float32' } })
  return graph.node('Mul', [graph.node('Sub', [codes, graph.scalar(zeroPoints[0]!)]), scale])
}

function storedType(tensor: TfliteTensor): ElementType {
  const { type } = tensor
  if (type === 'other' || type === 'int4') {
    throw unsupported(`an input of type ${type}`)
  }
  return type
}

function addOutput(graph: GraphBuilder, values: Values, index: number, name: string): void {
  const tensor = values.tensor(index)
  const type = realType(tensor)
  if (type === undefined) {
    throw unsupported(`an output of type ${tensor.type}`)
  }
  const rank = tensor.hasShape ? tensor.shape.length : undefined
  const order = rank === undefined ? values.order(index) : identity(rank)
  graph.scope = 'output'
  graph.node('Identity', [values.real(index, order)], {}, name)
  const shape = tensor.hasShape && elementCount(tensor.shape) > 0 ? tensor.shape : undefined
  graph.outputs.push({ name, type, shape })
}

/** Boxes before suppression, so that a caller may choose its own thresholds and more than a few boxes. */
function addRaw(graph: GraphBuilder, { boxes, scores, anchors, classes }: RawDetections): void {
  graph.scope = 'output'
  const add = (wish: string, value: string, shape: number[]) => {
    const name = graph.unique(wish)
    graph.node('Identity', [value], {}, name)
    graph.outputs.push({ name, type: 'float32', shape })
  }
  add('raw_detection_boxes', boxes, [1, anchors, 4])
  add('raw_detection_scores', scores, [1, anchors, classes])
}
