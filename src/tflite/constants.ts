import type { ElementType } from '../onnx/types.ts'
import type { GraphBuilder } from '../onnx/write/graph-builder.ts'
import { type TfliteType, TYPE_BITS } from './codes.ts'
import { elementCount, type TfliteTensor } from './graph.ts'
import { unsupported } from './limits.ts'
import { type Order, permute, stored } from './order.ts'

/** Adding it to int8 codes gives uint8 codes of the same real values, the zero point moving along. */
export const INT8_TO_UINT8 = 128

/** Types whose stored values stand for reals by scale and zero point. */
const CODE_TYPES: ReadonlySet<TfliteType> = new Set(['int8', 'uint8', 'int16', 'int4'])

export const isQuantized = (tensor: TfliteTensor): boolean =>
  tensor.quantization !== undefined && CODE_TYPES.has(tensor.type)

/** How the real value of a tensor is kept in ONNX; undefined for strings and the like. */
export function realType(tensor: TfliteTensor): ElementType | undefined {
  if (isQuantized(tensor)) {
    return 'float32'
  }
  const { type } = tensor
  if (type === 'float16' || type === 'float64') {
    return 'float32'
  }
  return type === 'other' || type === 'int4' ? undefined : type
}

/** Whole numbers of a constant. @throws BoxletError MODEL_UNSUPPORTED when it is not constant or not of integers */
export function constantInts(tensor: TfliteTensor, role: string): number[] {
  const { data, type } = tensor
  if (data === undefined || (type !== 'int32' && type !== 'int64')) {
    throw unsupported(`${role} computed while the model runs`)
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return Array.from({ length: elementCount(tensor.shape) }, (_, index) =>
    type === 'int32' ? view.getInt32(index * 4, true) : Number(view.getBigInt64(index * 8, true)),
  )
}

/**
 * Adds a constant as real values. Float16 stays float16 and codes stay codes, widened by nodes that the runtime
 * folds when it loads the file, so the file stays as small as it was.
 */
export function realConstant(graph: GraphBuilder, tensor: TfliteTensor, order: Order): string {
  const { type, quantization } = tensor
  if (!isQuantized(tensor)) {
    const name = plainConstant(graph, tensor, order)
    const widened = type === 'float16' || type === 'float64'
    return widened ? graph.node('Cast', [name], { to: { type: 'float32' } }) : name
  }
  const codes = plainConstant(graph, tensor, order)
  const { scales, zeroPoints, axis } = quantization!
  const dims =
    scales.length === 1
      ? []
      : stored(
          tensor.shape.map((size, at) => (at === axis ? size : 1)),
          order,
        )
  let real = graph.node('Cast', [codes], { to: { type: 'float32' } })
  if (zeroPoints.some((zero) => zero !== 0)) {
    real = graph.node('Sub', [real, graph.float32(zeroPoints, dims)])
  }
  return graph.node('Mul', [real, graph.float32(scales, dims)])
}

/** Adds an 8-bit constant as uint8 codes, for a DequantizeLinear that the runtime fuses into its consumer. */
export function codesConstant(graph: GraphBuilder, tensor: TfliteTensor, order: Order): string {
  return graph.constant('uint8', stored(tensor.shape, order), () => {
    const codes = placed(tensor, order)
    return tensor.type === 'uint8' ? codes : shifted(codes)
  })
}

/** int8 codes as uint8 codes of the same reals; a plain loop, since weights have millions of them. */
function shifted(codes: Uint8Array): Uint8Array {
  const out = new Uint8Array(codes.length)
  for (let index = 0; index < codes.length; index++) {
    out[index] = codes[index]! ^ INT8_TO_UINT8
  }
  return out
}

function plainConstant(graph: GraphBuilder, tensor: TfliteTensor, order: Order): string {
  const type = tensor.type === 'int4' ? 'int8' : tensor.type
  if (type === 'other') {
    throw unsupported(`a constant of an unknown type, "${tensor.name.slice(0, 80)}"`)
  }
  return graph.constant(type, stored(tensor.shape, order), () => placed(tensor, order))
}

/** Bytes in the wanted order; 4-bit values are unpacked to one byte each. */
function placed(tensor: TfliteTensor, order: Order): Uint8Array {
  const { type, shape } = tensor
  const data = tensor.data ?? new Uint8Array(0)
  if (type === 'int4') {
    return permute(unpackInt4(data, elementCount(shape)), shape, order, 1)
  }
  return permute(data, shape, order, TYPE_BITS[type] / 8)
}

/** Two values a byte, the lower half first. */
function unpackInt4(data: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => {
    const byte = data[index >> 1]!
    return ((index & 1 ? byte >> 4 : byte & 15) << 28) >> 28
  })
}
