import { type ElementType, elementBytes } from '../types.ts'
import type { Attribute, NewGraph, NewNode, NewTensor, NewValue } from './encode.ts'

/** Collects nodes and constants of an ONNX graph, in order. */
export class GraphBuilder implements NewGraph {
  readonly name: string
  readonly inputs: NewValue[] = []
  readonly outputs: NewValue[] = []
  /** The beginning of the names of what is added, to find its origin again. */
  scope = ''
  #nodes: NewNode[] = []
  readonly #constants = new Map<string, NewTensor>()
  readonly #taken = new Set<string>()
  readonly #shared = new Map<string, string>()
  #count = 0

  constructor(name: string) {
    this.name = name
  }

  get nodes(): readonly NewNode[] {
    return this.#nodes
  }

  get constants(): Iterable<NewTensor> {
    return this.#constants.values()
  }

  /** Bytes of all constants as written. */
  get constantBytes(): number {
    let total = 0
    for (const { type, dims } of this.#constants.values()) {
      total += dims.reduce((product, size) => product * size, elementBytes(type))
    }
    return total
  }

  /** A name that nothing else has; the wish itself when it is free. */
  unique(wish: string): string {
    let name = wish === '' || this.#taken.has(wish) ? `${wish}_${this.#count++}` : wish
    while (this.#taken.has(name)) {
      name = `${wish}_${this.#count++}`
    }
    this.#taken.add(name)
    return name
  }

  /** Adds a graph input and gives its name, which differs from the wish where that is taken. */
  input(wish: string, type: ElementType, shape: NewValue['shape']): string {
    const name = this.unique(wish)
    this.inputs.push({ name, type, shape })
    return name
  }

  /** Adds a node with one output and gives the name of that output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output?: string,
  ): string {
    const name = output ?? this.unique(`${this.scope}/${op}`)
    this.add({ op, inputs: [...inputs], outputs: [name], attributes })
    return name
  }

  /** Adds a node with several outputs. */
  nodeOutputs(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.unique(`${this.scope}/${op}`))
    this.add({ op, inputs: [...inputs], outputs, attributes })
    return outputs
  }

  /** Adds a node whose names are settled. */
  add(node: NewNode): void {
    this.#nodes.push(node)
  }

  /** Adds values, or what makes them when the file is written, and gives their name. */
  constant(
    type: ElementType,
    dims: readonly number[],
    data: NewTensor['data'],
    wish = `${this.scope}/constant`,
  ): string {
    const name = this.unique(wish)
    this.#constants.set(name, { name, type, dims, data })
    return name
  }

  /** One constant for equal small values. */
  #small(
    type: ElementType,
    dims: readonly number[],
    values: readonly number[],
    data: NewTensor['data'],
  ): string {
    const key = `${type}[${dims.join()}]${values.map((value) => (Object.is(value, -0) ? '-0' : value)).join()}`
    let name = this.#shared.get(key)
    if (name === undefined) {
      name = this.constant(type, dims, data)
      this.#shared.set(key, name)
    }
    return name
  }

  /** Sizes and places. @throws RangeError for a number that is not whole: a shape that contradicts its operator */
  int64(values: readonly number[], dims: readonly number[] = [values.length]): string {
    if (!values.every(Number.isSafeInteger)) {
      throw new RangeError(`Expected whole numbers for a constant but received ${values.join(', ')}.`)
    }
    return this.#small('int64', dims, values, () => BigInt64Array.from(values, BigInt))
  }

  int32(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('int32', dims, values, () => Int32Array.from(values))
  }

  uint8(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('uint8', dims, values, () => Uint8Array.from(values))
  }

  int8(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('int8', dims, values, () => Int8Array.from(values))
  }

  float32(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#small('float32', dims, values, () => Float32Array.from(values))
  }

  scalar(value: number): string {
    return this.float32([value], [])
  }

  /**
   * Gives the result of a node another name, wherever it is read.
   *
   * @returns whether a node makes it; inputs and constants keep their names
   */
  rename(from: string, to: string): boolean {
    const isMade = this.#nodes.some(({ outputs }) => outputs.includes(from))
    if (isMade) {
      const renamed = (names: readonly string[]) => names.map((name) => (name === from ? to : name))
      this.#nodes = this.#nodes.map((node) => ({
        ...node,
        inputs: renamed(node.inputs),
        outputs: renamed(node.outputs),
      }))
    }
    return isMade
  }

  /** Drops nodes and constants that no output needs. Graphs that are attributes keep what they take from outside. */
  prune(): void {
    const needed = new Set(this.outputs.map(({ name }) => name))
    const kept: NewNode[] = []
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((output) => needed.has(output))) {
        continue
      }
      for (const name of readBy(node)) {
        needed.add(name)
      }
      kept.push(node)
    }
    this.#nodes = kept.reverse()
    for (const name of this.#constants.keys()) {
      if (!needed.has(name)) {
        this.#constants.delete(name)
      }
    }
  }
}

/** All names that a node reads, those that its graphs take from outside included. */
function readBy({ inputs, attributes = {} }: NewNode): string[] {
  const bodies = Object.values(attributes).flatMap((value) =>
    typeof value === 'object' && 'graph' in value ? [value.graph] : [],
  )
  return [
    ...inputs,
    ...bodies.flatMap(({ nodes, outputs }) => [
      ...[...nodes].flatMap(readBy),
      ...[...outputs].map(({ name }) => name),
    ]),
  ]
}
