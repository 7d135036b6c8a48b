/** Protobuf encoding of the few ONNX messages that edits add. Each function gives the content of one message. */

export interface NewNode {
  op: string
  name?: string
  inputs: readonly string[]
  outputs: readonly string[]
  ints?: Record<string, readonly number[]>
  int?: Record<string, number>
}

export interface NewTensor {
  name: string
  dims: readonly number[]
  data: Float32Array | BigInt64Array
}

export interface NewValue {
  name: string
  /** Type code of onnx.proto: 1 float32, 2 uint8, 7 int64. */
  typeCode: number
  shape: readonly (number | string)[]
}

/** Attribute kinds of onnx.proto, `AttributeProto.AttributeType`. */
const INT = 2
const INTS = 7

export function encodeNode(node: NewNode): Uint8Array {
  return join([
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    textField(3, node.name ?? node.outputs[0] ?? ''),
    textField(4, node.op),
    ...Object.entries(node.int ?? {}).map(([name, value]) =>
      bytesField(5, join([textField(1, name), intField(3, value), intField(20, INT)])),
    ),
    ...Object.entries(node.ints ?? {}).map(([name, values]) =>
      bytesField(
        5,
        join([textField(1, name), ...values.map((value) => intField(8, value)), intField(20, INTS)]),
      ),
    ),
  ])
}

export function encodeTensor({ name, dims, data }: NewTensor): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return join([
    ...dims.map((dim) => intField(1, dim)),
    intField(2, data instanceof Float32Array ? 1 : 7),
    textField(8, name),
    bytesField(9, raw),
  ])
}

export function encodeValue({ name, typeCode, shape }: NewValue): Uint8Array {
  const dims = shape.map((dim) =>
    bytesField(1, typeof dim === 'number' ? intField(1, dim) : textField(2, dim)),
  )
  const tensorType = join([intField(1, typeCode), bytesField(2, join(dims))])
  return join([textField(1, name), bytesField(2, bytesField(1, tensorType))])
}

export const intField = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...varint(field * 8), ...varint(value)])

export const textField = (field: number, value: string): Uint8Array => bytesField(field, Buffer.from(value))

export const bytesField = (field: number, value: Uint8Array): Uint8Array =>
  join([fieldHead(field, value.length), value])

/** Tag and length that come before `length` bytes of content. */
export const fieldHead = (field: number, length: number): Uint8Array =>
  Uint8Array.from([...varint(field * 8 + 2), ...varint(length)])

/** Negative numbers take ten bytes, as int64 does. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return bytes
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}
