import type { OnnxAttribute } from '../model.ts'
import { type ElementType, elementBytes, typeCode } from '../types.ts'
import type { MessageWriter } from './message-writer.ts'

/**
 * The parts of an ONNX graph as they are to be written, and their encoding: each function writes the content of one
 * message. Field numbers are those of onnx.proto.
 */

/** A number is an `int`, a list `ints`, a text a `string`; the rest is marked, since 1 and 1.0 are one in JavaScript. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { float: number }
  | { floats: readonly number[] }
  | { strings: readonly string[] }
  /** The number of an element type, as `Cast` takes it. */
  | { type: ElementType }
  | { tensor: Omit<NewTensor, 'name'> }
  /** The body of `If`, `Loop` and the like. */
  | { graph: NewGraph }
  /** As another file has it: the content of its message, name included, and what was read of it. */
  | { kept: Uint8Array; value: OnnxAttribute }

export interface NewNode {
  /** Of another domain as `domain:Op`: `com.microsoft:QuickGelu`. */
  op: string
  name?: string
  /** An empty name is an optional input left out. */
  inputs: readonly string[]
  outputs: readonly string[]
  attributes?: Readonly<Record<string, Attribute>>
}

export interface NewTensor {
  name: string
  type: ElementType
  dims: readonly number[]
  /** Little-endian values, or what makes them when they are written: weights then exist once, one tensor at a time. */
  data: ArrayBufferView | (() => ArrayBufferView)
}

export interface NewValue {
  name: string
  type: ElementType
  /** Sizes, and names of free ones; undefined when it follows from the run. */
  shape: readonly (number | string)[] | undefined
}

export interface NewGraph {
  name: string
  nodes: Iterable<NewNode>
  /** Initializers. */
  constants: Iterable<NewTensor>
  inputs: Iterable<NewValue>
  /** Those without a type get the one that the runtime infers. */
  outputs: Iterable<NewValue | { name: string; type?: never }>
}

export function writeGraph(
  writer: MessageWriter,
  { name, nodes, constants, inputs, outputs }: NewGraph,
): void {
  for (const node of nodes) {
    writer.message(1, (inner) => writeNode(inner, node))
  }
  writer.text(2, name)
  for (const constant of constants) {
    writer.message(5, (inner) => writeTensor(inner, constant))
  }
  for (const input of inputs) {
    writer.message(11, (inner) => writeValue(inner, input))
  }
  for (const output of outputs) {
    writer.message(12, (inner) =>
      output.type === undefined ? inner.text(1, output.name) : writeValue(inner, output),
    )
  }
}

/** `AttributeProto.AttributeType` */
const KINDS = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const

export function writeNode(writer: MessageWriter, { op, name, inputs, outputs, attributes }: NewNode): void {
  for (const input of inputs) {
    writer.text(1, input)
  }
  for (const output of outputs) {
    writer.text(2, output)
  }
  const split = op.lastIndexOf(':')
  writer.text(3, name ?? outputs[0] ?? '').text(4, op.slice(split + 1))
  for (const [key, value] of Object.entries(attributes ?? {})) {
    writer.message(5, (attribute) =>
      typeof value === 'object' && 'kept' in value
        ? attribute.raw(value.kept)
        : writeAttribute(attribute.text(1, key), value),
    )
  }
  if (split > 0) {
    writer.text(7, op.slice(0, split))
  }
}

function writeAttribute(writer: MessageWriter, value: Exclude<Attribute, { kept: Uint8Array }>): void {
  if (typeof value === 'number') {
    writer.int(3, value).int(20, KINDS.int)
  } else if (typeof value === 'string') {
    writer.text(4, value).int(20, KINDS.string)
  } else if ('float' in value) {
    writer.float(2, value.float).int(20, KINDS.float)
  } else if ('type' in value) {
    writer.int(3, typeCode(value.type)).int(20, KINDS.int)
  } else if ('tensor' in value) {
    writer.message(5, (tensor) => writeTensor(tensor, { name: '', ...value.tensor })).int(20, KINDS.tensor)
  } else if ('graph' in value) {
    writer.message(6, (graph) => writeGraph(graph, value.graph)).int(20, KINDS.graph)
  } else if ('floats' in value) {
    for (const item of value.floats) {
      writer.float(7, item)
    }
    writer.int(20, KINDS.floats)
  } else if ('strings' in value) {
    for (const item of value.strings) {
      writer.text(9, item)
    }
    writer.int(20, KINDS.strings)
  } else {
    for (const item of value) {
      writer.int(8, item)
    }
    writer.int(20, KINDS.ints)
  }
}

/** @throws RangeError where the values are not as many as the sizes say; for values made later, when they are written */
export function writeTensor(writer: MessageWriter, { name, type, dims, data }: NewTensor): void {
  for (const size of dims) {
    writer.int(1, size)
  }
  writer.int(2, typeCode(type)).text(8, name)
  const length = dims.reduce((product, size) => product * size, elementBytes(type))
  if (typeof data === 'function') {
    writer.bytesLater(9, length, () => bytesOf(data()))
    return
  }
  if (data.byteLength !== length) {
    throw new RangeError(
      `Expected ${length} bytes for the values of "${name}" but received ${data.byteLength}.`,
    )
  }
  writer.bytes(9, bytesOf(data))
}

export function writeValue(writer: MessageWriter, { name, type, shape }: NewValue): void {
  writer.text(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.int(1, typeCode(type))
      if (shape === undefined) {
        return
      }
      tensor.message(2, (axes) => {
        for (const size of shape) {
          axes.message(1, (axis) => (typeof size === 'number' ? axis.int(1, size) : axis.text(2, size)))
        }
      })
    }),
  )
}

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
