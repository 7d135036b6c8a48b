import type { OnnxTensor } from '../model.ts'
import { type ElementType, elementBytes } from '../types.ts'
import { Cursor, corrupt, viewOf } from './cursor.ts'

/** Fields of onnx.proto with values that are not raw. */
const FLOATS = 4
const INT32S = 5
const INT64S = 7
const DOUBLES = 10
const UINT64S = 11

/**
 * All values of a tensor as little-endian bytes, a view of the file where they are stored so. Undefined for
 * external data, strings and types that have no plain bytes. The result is never longer than what the file holds.
 *
 * @throws BoxletError MODEL_CORRUPT where the values are not as many as the sizes say
 */
export function tensorData(bytes: Uint8Array, tensor: OnnxTensor): Uint8Array | undefined {
  if (tensor.external || tensor.type === 'string' || tensor.type === 'other') {
    return undefined
  }
  const size = elementBytes(tensor.type)
  if (tensor.raw !== undefined) {
    const { start, end } = tensor.raw
    if (end - start !== tensor.elements * size) {
      throw corrupt(`"${tensor.name}" has ${end - start} bytes for ${tensor.elements} values`)
    }
    return bytes.subarray(start, end)
  }
  const values = typed(bytes, tensor)
  if (values.length !== tensor.elements) {
    throw corrupt(`"${tensor.name}" has ${values.length} values where ${tensor.elements} are declared`)
  }
  return inType(values, tensor.type)
}

function typed(bytes: Uint8Array, tensor: OnnxTensor): number[] {
  const values: number[] = []
  const at = new Cursor(viewOf(bytes), tensor.range.start, tensor.range.end)
  const take = (from: Cursor, field: number): number =>
    field === FLOATS ? from.fixed32() : field === DOUBLES ? from.fixed64() : from.varintSigned()
  for (let field = at.field(); field !== 0; field = at.field()) {
    if (![FLOATS, INT32S, INT64S, DOUBLES, UINT64S].includes(field)) {
      at.skip()
    } else if (at.wire !== 2) {
      values.push(take(at, field))
    } else {
      const packed = at.message()
      while (packed.at < packed.end) {
        values.push(take(packed, field))
      }
    }
  }
  return values
}

/** Halves are stored as their bits. */
function inType(values: number[], type: ElementType): Uint8Array {
  const array =
    type === 'float32'
      ? Float32Array.from(values)
      : type === 'float64'
        ? Float64Array.from(values)
        : type === 'int64' || type === 'uint64'
          ? BigInt64Array.from(values, BigInt)
          : undefined
  if (array !== undefined) {
    return new Uint8Array(array.buffer)
  }
  const size = elementBytes(type)
  const view = new DataView(new ArrayBuffer(values.length * size))
  values.forEach((value, index) => {
    if (size === 4) {
      view.setInt32(index * 4, value, true)
    } else if (size === 2) {
      view.setInt16(index * 2, value, true)
    } else {
      view.setInt8(index, value)
    }
  })
  return new Uint8Array(view.buffer)
}
