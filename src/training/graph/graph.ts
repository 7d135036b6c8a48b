import type { Attribute } from '../../onnx/write/encode.ts'

export interface GraphNode {
  op: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, Attribute>
}

export interface Constant {
  dims: readonly number[]
  data: Float32Array | BigInt64Array
}

export interface Port {
  name: string
  type: 'float32' | 'int64'
  /** A name for an axis that each run may choose. */
  dims: readonly (number | string)[]
}

/**
 * An ONNX graph that is being written: nodes in the order in which they may run, constants, and the shapes of
 * all values whose shapes do not change from run to run.
 */
export class Graph {
  readonly nodes: GraphNode[] = []
  readonly constants = new Map<string, Constant>()
  readonly shapes = new Map<string, readonly number[]>()
  readonly inputs: Port[] = []
  readonly outputs: Port[] = []
  readonly #taken = new Set<string>()
  readonly #shared = new Map<string, string>()
  #count = 0

  /** Shape of a value. Asking for one that is not known is a mistake of the caller. */
  shape(name: string): readonly number[] {
    const shape = this.shapes.get(name) ?? this.constants.get(name)?.dims
    if (shape === undefined) {
      throw new TypeError(`the shape of "${name}" is not known`)
    }
    return shape
  }

  /** Takes a node as it is, with the names it has. */
  add(node: GraphNode): void {
    for (const output of node.outputs) {
      this.#taken.add(output)
    }
    this.nodes.push(node)
  }

  /** Adds a node with one new output and gives its name. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    shape?: readonly number[],
  ): string {
    const output = this.#unique(op)
    this.nodes.push({ op, inputs: [...inputs], outputs: [output], attributes })
    if (shape !== undefined) {
      this.shapes.set(output, shape)
    }
    return output
  }

  /** Adds a node with several new outputs. */
  many(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    shapes: readonly (readonly number[])[],
  ): string[] {
    const outputs = shapes.map((shape) => {
      const output = this.#unique(op)
      this.shapes.set(output, shape)
      return output
    })
    this.nodes.push({ op, inputs: [...inputs], outputs, attributes })
    return outputs
  }

  input(port: Port): string {
    this.inputs.push(port)
    this.#taken.add(port.name)
    if (port.dims.every((size) => typeof size === 'number')) {
      this.shapes.set(port.name, port.dims)
    }
    return port.name
  }

  /** Makes a value an output under a name of its own. */
  output(port: Port, value: string): void {
    this.nodes.push({ op: 'Identity', inputs: [value], outputs: [port.name], attributes: {} })
    this.#taken.add(port.name)
    this.outputs.push(port)
  }

  constant(name: string, constant: Constant): string {
    this.constants.set(name, constant)
    this.#taken.add(name)
    return name
  }

  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): string {
    if (values.length > SHARED_VALUES) {
      return this.constant(this.#unique('floats'), { dims, data: Float32Array.from(values) })
    }
    return this.#small(`f${dims.join()}:${values.join()}`, () => ({ dims, data: Float32Array.from(values) }))
  }

  scalar(value: number): string {
    return this.floats([value], [])
  }

  ints(values: readonly number[]): string {
    const data = () => ({ dims: [values.length], data: BigInt64Array.from(values, BigInt) })
    return this.#small(`i${values.join()}`, data)
  }

  /** One constant for equal small values. */
  #small(key: string, make: () => Constant): string {
    let name = this.#shared.get(key)
    if (name === undefined) {
      name = this.constant(this.#unique('constant'), make())
      this.#shared.set(key, name)
    }
    return name
  }

  #unique(wish: string): string {
    let name: string
    do {
      name = `${wish}.${this.#count++}`
    } while (this.#taken.has(name))
    this.#taken.add(name)
    return name
  }
}

/** Longer lists of numbers are not looked for among those that exist. */
const SHARED_VALUES = 16

export const product = (dims: readonly number[]): number => dims.reduce((all, size) => all * size, 1)

/** Whole numbers of an attribute, or what the operator takes when it is absent. */
export function ints(node: GraphNode, name: string, absent: readonly number[]): readonly number[] {
  const value = node.attributes[name]
  return Array.isArray(value) ? (value as readonly number[]) : absent
}

export function int(node: GraphNode, name: string, absent: number): number {
  const value = node.attributes[name]
  return typeof value === 'number' ? value : absent
}

export function float(node: GraphNode, name: string, absent: number): number {
  const value = node.attributes[name]
  return typeof value === 'object' && 'float' in value ? value.float : absent
}
