import { fromHalf } from '../../system/half.ts'
import type { OnnxTensor } from '../model.ts'
import { type ElementType, elementBytes } from '../types.ts'
import { Cursor, viewOf } from './cursor.ts'

/** The largest constants that are compared are cell centres: 2 × 33,600 for an input of 1280. */
const MAX_VALUES = 262_144

/**
 * Numbers of a small constant, row-major, or undefined when it is large, external or of a type without
 * numbers. 64-bit integers are exact within ±2^53.
 */
export function tensorValues(bytes: Uint8Array, tensor: OnnxTensor): number[] | undefined {
  if (tensor.external || tensor.elements > MAX_VALUES) {
    return undefined
  }
  const values = tensor.raw === undefined ? typedValues(bytes, tensor) : rawValues(bytes, tensor)
  return values?.length === tensor.elements ? values : undefined
}

/** Readers of one raw element. */
const RAW: Partial<Record<ElementType, (view: DataView, offset: number) => number>> = {
  float32: (view, offset) => view.getFloat32(offset, true),
  uint8: (view, offset) => view.getUint8(offset),
  int8: (view, offset) => view.getInt8(offset),
  uint16: (view, offset) => view.getUint16(offset, true),
  int16: (view, offset) => view.getInt16(offset, true),
  int32: (view, offset) => view.getInt32(offset, true),
  int64: (view, offset) => view.getInt32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true),
  bool: (view, offset) => view.getUint8(offset),
  float16: (view, offset) => fromHalf(view.getUint16(offset, true)),
  float64: (view, offset) => view.getFloat64(offset, true),
  uint32: (view, offset) => view.getUint32(offset, true),
}

function rawValues(bytes: Uint8Array, tensor: OnnxTensor): number[] | undefined {
  const { raw } = tensor
  const type = tensor.type as ElementType
  const read = RAW[type]
  if (read === undefined || raw === undefined) {
    return undefined
  }
  const size = elementBytes(type)
  if (raw.end - raw.start !== tensor.elements * size) {
    return undefined
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + raw.start, raw.end - raw.start)
  return Array.from({ length: tensor.elements }, (_, index) => read(view, index * size))
}

/** Field of onnx.proto that holds typed data: 4 float, 5 int32 and narrower, 7 int64, 10 double, 11 unsigned. */
function typedValues(bytes: Uint8Array, tensor: OnnxTensor): number[] | undefined {
  const values: number[] = []
  const at = new Cursor(viewOf(bytes), tensor.range.start, tensor.range.end)
  const take = (from: Cursor, field: number) => {
    if (field === 4) {
      values.push(from.fixed32())
    } else if (field === 10) {
      values.push(from.fixed64())
    } else {
      const value = from.varintSigned()
      values.push(tensor.type === 'float16' ? fromHalf(value) : value)
    }
  }
  for (let field = at.field(); field !== 0 && values.length <= tensor.elements; field = at.field()) {
    if (field !== 4 && field !== 5 && field !== 7 && field !== 10 && field !== 11) {
      at.skip()
    } else if (at.wire !== 2) {
      take(at, field)
    } else {
      const packed = at.message()
      while (packed.at < packed.end && values.length <= tensor.elements) {
        take(packed, field)
      }
    }
  }
  return values
}
