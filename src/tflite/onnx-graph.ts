import { corrupt, MAX_CONSTANT_BYTES, tooLarge } from './limits.ts'

export type OnnxType =
  | 'float32'
  | 'float16'
  | 'float64'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'bool'

/** Bytes of one value. */
const ONNX_BYTES: Record<OnnxType, number> = {
  float32: 4,
  float16: 2,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  bool: 1,
}

/** A whole number is an `int` attribute; floats are marked, since 1 and 1.0 are one value in JavaScript. */
export type Attribute = number | readonly number[] | string | { float: number } | { onnxType: OnnxType }

export interface OnnxNode {
  op: string
  name: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, Attribute>
}

export interface OnnxConstant {
  name: string
  type: OnnxType
  dims: readonly number[]
  /** Little-endian values; made when the file is written, so constants that nothing reads cost nothing. */
  data: () => Uint8Array
}

export interface OnnxPort {
  name: string
  type: OnnxType
  /** Undefined when it follows from the run. */
  dims: readonly (number | string)[] | undefined
}

/** Collects nodes and constants of an ONNX graph, in order. */
export class OnnxGraph {
  nodes: OnnxNode[] = []
  readonly constants = new Map<string, OnnxConstant>()
  readonly inputs: OnnxPort[] = []
  readonly outputs: OnnxPort[] = []
  /** Shown as the beginning of node names, to find the operator of the TFLite file again. */
  scope = ''
  readonly #taken = new Set<string>()
  readonly #shared = new Map<string, string>()
  #count = 0

  /** A name that nothing else has; the wish itself when it is free. */
  unique(wish: string): string {
    let name = wish === '' || this.#taken.has(wish) ? `${wish}_${this.#count++}` : wish
    while (this.#taken.has(name)) {
      name = `${wish}_${this.#count++}`
    }
    this.#taken.add(name)
    return name
  }

  /** Adds a node with one output and gives the name of that output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    output?: string,
  ): string {
    return this.#add(op, inputs, attributes, [output ?? this.unique(`${this.scope}/${op}`)])[0]!
  }

  /** Adds a node with several outputs. */
  nodeOutputs(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    count: number,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.unique(`${this.scope}/${op}`))
    return this.#add(op, inputs, attributes, outputs)
  }

  #add(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    outputs: string[],
  ): string[] {
    this.nodes.push({ op, name: `${outputs[0]}`, inputs: [...inputs], outputs, attributes })
    return outputs
  }

  constant(type: OnnxType, dims: readonly number[], data: () => Uint8Array): string {
    const name = this.unique(`${this.scope}/constant`)
    this.constants.set(name, { name, type, dims, data })
    return name
  }

  /** One constant for equal small values. */
  #small(
    type: OnnxType,
    dims: readonly number[],
    values: readonly number[],
    bytes: () => Uint8Array,
  ): string {
    const key = `${type}[${dims.join()}]${values.join()}`
    let name = this.#shared.get(key)
    if (name === undefined) {
      name = this.constant(type, dims, bytes)
      this.#shared.set(key, name)
    }
    return name
  }

  /** Sizes and places; a shape that contradicts its operator shows here as a size that is no number. */
  int64(values: readonly number[], dims: readonly number[] = [values.length]): string {
    if (!values.every(Number.isSafeInteger)) {
      throw corrupt('whole sizes', values.join(', '))
    }
    return this.#small('int64', dims, values, () => bytesOf(BigInt64Array.from(values, BigInt)))
  }

  int32(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('int32', dims, values, () => bytesOf(Int32Array.from(values)))
  }

  uint8(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('uint8', dims, values, () => Uint8Array.from(values))
  }

  int8(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('int8', dims, values, () => bytesOf(Int8Array.from(values)))
  }

  float32(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('float32', dims, values, () => bytesOf(Float32Array.from(values)))
  }

  scalar(value: number): string {
    return this.float32([value], [])
  }

  /** Drops nodes and constants that no output needs. */
  prune(): void {
    const needed = new Set(this.outputs.map(({ name }) => name))
    const kept: OnnxNode[] = []
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((output) => needed.has(output))) {
        continue
      }
      for (const input of node.inputs) {
        needed.add(input)
      }
      kept.push(node)
    }
    this.nodes = kept.reverse()
    let total = 0
    for (const [name, { type, dims }] of this.constants) {
      if (!needed.has(name)) {
        this.constants.delete(name)
      } else {
        total += dims.reduce((product, size) => product * size, ONNX_BYTES[type])
      }
    }
    if (total > MAX_CONSTANT_BYTES) {
      throw tooLarge('bytes of constants', MAX_CONSTANT_BYTES, total)
    }
  }
}

export const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
