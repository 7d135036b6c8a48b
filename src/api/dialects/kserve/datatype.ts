import type { TensorData } from '../../../model/tensor.ts'
import { fromHalf, toHalf } from '../../../system/half.ts'

/** One element type: its name in the protocol, its array, and how JSON numbers become elements. */
interface DataType {
  protocol: string
  bytes: number
  /** A view that owns its bytes; the protocol is little-endian, as every platform of Node is. */
  view(buffer: ArrayBuffer): TensorData
  fromJson(values: readonly unknown[]): TensorData | undefined
  toJson(data: TensorData): (number | string)[]
}

const numbers = (values: readonly unknown[]): values is number[] =>
  values.every((value) => typeof value === 'number')

function plain(
  protocol: string,
  Kind: {
    new (buffer: ArrayBuffer): TensorData
    from(values: number[]): TensorData
    readonly BYTES_PER_ELEMENT: number
  },
): DataType {
  return {
    protocol,
    bytes: Kind.BYTES_PER_ELEMENT,
    view: (buffer) => new Kind(buffer),
    fromJson: (values) => (numbers(values) ? Kind.from(values) : undefined),
    toJson: (data) => Array.from(data as Float32Array),
  }
}

const whole = (values: readonly unknown[]): values is number[] =>
  values.every((value) => Number.isSafeInteger(value))

function big(protocol: string, Kind: typeof BigInt64Array | typeof BigUint64Array): DataType {
  return {
    protocol,
    bytes: 8,
    view: (buffer) => new Kind(buffer),
    fromJson: (values) => (whole(values) ? Kind.from(values.map(BigInt)) : undefined),
    toJson: (data) => Array.from(data as BigInt64Array, (value) => Number(value)),
  }
}

/** Element types of ONNX that the protocol has. Strings are not among them: no detector takes any. */
export const DATA_TYPES: Record<string, DataType> = {
  float32: plain('FP32', Float32Array),
  float64: plain('FP64', Float64Array),
  int8: plain('INT8', Int8Array),
  uint8: plain('UINT8', Uint8Array),
  int16: plain('INT16', Int16Array),
  uint16: plain('UINT16', Uint16Array),
  int32: plain('INT32', Int32Array),
  uint32: plain('UINT32', Uint32Array),
  int64: big('INT64', BigInt64Array),
  uint64: big('UINT64', BigUint64Array),
  bool: {
    ...plain('BOOL', Uint8Array),
    fromJson: (values) =>
      values.every((value) => typeof value === 'boolean' || value === 0 || value === 1)
        ? Uint8Array.from(values as number[], (value) => Number(value))
        : undefined,
    toJson: (data) => Array.from(data as Uint8Array),
  },
  float16: {
    protocol: 'FP16',
    bytes: 2,
    view: (buffer) => new Uint16Array(buffer),
    fromJson: (values) => (numbers(values) ? Uint16Array.from(values, toHalf) : undefined),
    toJson: (data) => Array.from(data as Uint16Array, fromHalf),
  },
}

export const protocolName = (type: string): string => DATA_TYPES[type]?.protocol ?? 'BYTES'
