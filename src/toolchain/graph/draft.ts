import type { OnnxAttribute } from '../../onnx/model.ts'
import type { Attribute, NewTensor, NewValue } from '../../onnx/write/encode.ts'

/** A node that passes may change. */
export interface DraftNode {
  /** Of another domain as `domain:Op`. */
  op: string
  name: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, Attribute>
  /** Values that bodies of `If`, `Loop` and the like take from outside; they must keep their names. */
  captures: readonly string[]
}

/** Values of a constant, always at hand. */
export interface DraftTensor extends NewTensor {
  data: Uint8Array
}

/** An ONNX graph in memory that passes change in place. Weights are views of the file that it was read from. */
export interface Draft {
  name: string
  nodes: DraftNode[]
  constants: Map<string, DraftTensor>
  inputs: NewValue[]
  outputs: NewValue[]
  /** Version of each operator set, the default domain as ''. */
  opsets: Map<string, number>
  metadata: Map<string, string>
  irVersion: number
  producer: { name: string; version: string }
  /** Local functions, as the file has them. */
  functions: readonly Uint8Array[]
  /** Types that the file declares for values between nodes. */
  types: Map<string, NewValue['type']>
}

export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: DraftNode['attributes'] = {},
): DraftNode => ({
  op,
  name: outputs[0] ?? '',
  inputs: [...inputs],
  outputs: [...outputs],
  attributes,
  captures: [],
})

/** An attribute in the form of the reader, whoever wrote it. */
export function attribute({ attributes }: DraftNode, name: string): OnnxAttribute | undefined {
  const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
  if (value === undefined) {
    return undefined
  }
  if (typeof value === 'number') {
    return { int: value }
  }
  if (typeof value === 'string') {
    return { text: value }
  }
  if ('kept' in value) {
    return value.value
  }
  if ('float' in value) {
    return { float: value.float }
  }
  if ('floats' in value) {
    return { floats: [...value.floats] }
  }
  return Array.isArray(value) ? { ints: [...(value as readonly number[])] } : {}
}

export const int = (at: DraftNode, name: string): number | undefined => attribute(at, name)?.int
export const ints = (at: DraftNode, name: string): number[] | undefined => attribute(at, name)?.ints

/** Whether a node has operators inside that passes do not see. */
export const hasBody = ({ captures, attributes }: DraftNode): boolean =>
  captures.length > 0 ||
  Object.values(attributes).some(
    (value) => typeof value === 'object' && 'kept' in value && value.value.graphs,
  )

/** Names that are read by nobody may be taken; this finds one that begins as wished. */
export function freeName(draft: Draft, wish: string): string {
  const taken = namesOf(draft)
  let name = wish
  for (let count = 1; taken.has(name); count++) {
    name = `${wish}_${count}`
  }
  taken.add(name)
  return name
}

/** Names in use, kept between calls for one draft. */
const NAMES = new WeakMap<Draft, Set<string>>()

function namesOf(draft: Draft): Set<string> {
  let names = NAMES.get(draft)
  if (names === undefined) {
    names = new Set([...draft.constants.keys(), ...draft.inputs.map(({ name }) => name)])
    for (const { inputs, outputs, captures } of draft.nodes) {
      for (const name of [...inputs, ...outputs, ...captures]) {
        names.add(name)
      }
    }
    NAMES.set(draft, names)
  }
  return names
}

/** Adds a constant under a free name and gives that name. */
export function addConstant(draft: Draft, wish: string, tensor: Omit<DraftTensor, 'name'>): string {
  const name = freeName(draft, wish)
  draft.constants.set(name, { ...tensor, name })
  return name
}

export const addInts = (draft: Draft, wish: string, values: readonly number[]): string =>
  addConstant(draft, wish, { type: 'int64', dims: [values.length], data: int64Bytes(values) })

/** "To the end" is 2^63 − 1 in files, which as a number is 2^63 and would turn negative. */
export const int64Bytes = (values: readonly number[]): Uint8Array =>
  new Uint8Array(
    BigInt64Array.from(values, (value) => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(Math.trunc(value))))
      .buffer,
  )

export const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** Values of a float32 constant as numbers; a copy, as views of a file may lie at any byte. */
export const floatsOf = ({ data }: DraftTensor): Float32Array<ArrayBuffer> =>
  new Float32Array(data.slice().buffer)

export const elementsOf = ({ dims }: Pick<NewTensor, 'dims'>): number =>
  dims.reduce((product, size) => product * size, 1)
