import type { TensorType } from '../model/signature.ts'

/** Element types whose values lie in a file as plain little-endian numbers: those that a graph can be written with. */
export type ElementType = Exclude<TensorType, 'string' | 'other'>

interface ElementKind {
  name: TensorType
  /** Of one value; undefined where values have no fixed size. */
  bits: number | undefined
}

const kind = (name: TensorType, bits?: number): ElementKind => ({ name, bits })

/** Element types by their number in onnx.proto, `TensorProto.DataType`. */
const KINDS: readonly ElementKind[] = [
  kind('other'),
  kind('float32', 32),
  kind('uint8', 8),
  kind('int8', 8),
  kind('uint16', 16),
  kind('int16', 16),
  kind('int32', 32),
  kind('int64', 64),
  kind('string'),
  kind('bool', 8),
  kind('float16', 16),
  kind('float64', 64),
  kind('uint32', 32),
  kind('uint64', 64),
  kind('other', 64), // complex64
  kind('other', 128), // complex128
  kind('bfloat16', 16),
  kind('other', 8), // float8e4m3fn
  kind('other', 8), // float8e4m3fnuz
  kind('other', 8), // float8e5m2
  kind('other', 8), // float8e5m2fnuz
  kind('other', 4), // uint4
  kind('other', 4), // int4
  kind('other', 4), // float4e2m1
]

export const typeName = (code: number): TensorType => KINDS[code]?.name ?? 'other'

const CODES = new Map(KINDS.map(({ name }, code) => [name, code]))

export const typeCode = (type: ElementType): number => CODES.get(type)!

/** Bytes of one value. */
export const elementBytes = (type: ElementType): number => KINDS[typeCode(type)]!.bits! / 8

/** Bits of one value by its number in onnx.proto; undefined where values have no fixed size, or the type is not known. */
export const typeBits = (code: number): number | undefined => KINDS[code]?.bits
