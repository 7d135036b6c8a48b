import type { Attribute } from '../onnx/write/encode.ts'
import type { GraphBuilder } from '../onnx/write/graph-builder.ts'
import { ACTIVATIONS, type Activation } from './codes.ts'
import { constantInts, isQuantized } from './constants.ts'
import { type Row, readRow, type Schema } from './flatbuffer.ts'
import { elementCount, type TfliteOperator, type TfliteTensor } from './graph.ts'
import { corrupt, MAX_TENSOR_ELEMENTS, unsupported } from './limits.ts'
import { identity, isIdentity, type Order, stored } from './order.ts'
import type { Values } from './values.ts'

/** Limits that an activation puts on its input. */
const CLAMPS: Partial<Record<Activation, readonly [number, number]>> = {
  relu: [0, Number.POSITIVE_INFINITY],
  'relu-n1-to-1': [-1, 1],
  relu6: [0, 6],
}

/** One operator under conversion: its operands, and ways to add nodes and to give its outputs. */
export class Operation {
  readonly operator: TfliteOperator
  readonly values: Values
  readonly graph: GraphBuilder

  constructor(operator: TfliteOperator, values: Values) {
    this.operator = operator
    this.values = values
    this.graph = values.graph
  }

  options<S extends Schema>(schema: S): Row<S> {
    return readRow(this.operator.options, schema)
  }

  get inputCount(): number {
    return this.operator.inputs.length
  }

  has(input: number): boolean {
    return (this.operator.inputs[input] ?? -1) >= 0
  }

  index(input: number): number {
    const index = this.operator.inputs[input]
    if (index === undefined || index < 0) {
      throw corrupt(`an input ${input} of ${this.operator.name}`, 'none')
    }
    return index
  }

  outputIndex(output = 0): number {
    const index = this.operator.outputs[output]
    if (index === undefined) {
      throw corrupt(`an output ${output} of ${this.operator.name}`, 'none')
    }
    return index
  }

  tensor(input: number): TfliteTensor {
    return this.values.tensor(this.index(input))
  }

  outputTensor(output = 0): TfliteTensor {
    return this.values.tensor(this.outputIndex(output))
  }

  shape(input: number): number[] {
    return this.tensor(input).shape
  }

  rank(input: number): number {
    return this.shape(input).length
  }

  isConstant(input: number): boolean {
    return this.values.isConstant(this.index(input))
  }

  order(input: number): Order {
    return this.values.order(this.index(input))
  }

  /** True when the result is kept as 8-bit codes: constants then stay codes that the runtime fuses. */
  get isCoded(): boolean {
    return this.operator.outputs.some((index) => this.values.codeScale(index) !== undefined)
  }

  real(input: number, order: Order = identity(this.rank(input))): string {
    return this.values.real(this.index(input), order, this.isCoded)
  }

  /** Whole numbers that have to be known at conversion, such as axes. */
  ints(input: number, role: string): number[] {
    return constantInts(this.tensor(input), `${role} of ${this.operator.name}`)
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis
    if (!(counted >= 0 && counted < rank)) {
      throw corrupt(`an axis below ${rank} of ${this.operator.name}`, `${axis}`)
    }
    return counted
  }

  /**
   * Checks what an operator will make against what the file declares. The runtime would compute whatever a
   * damaged file asks for and run out of memory, which nothing can catch.
   */
  expect(shape: readonly number[], output = 0): void {
    const computed = elementCount(shape)
    const declared = this.outputTensor(output)
    const fits = !declared.hasShape || elementCount(declared.shape) === computed
    if (!fits || !(computed <= MAX_TENSOR_ELEMENTS)) {
      throw corrupt(
        `[${declared.shape.join(', ')}] as the result of ${this.operator.name}`,
        `[${shape.join(', ')}]`,
      )
    }
  }

  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.graph.node(op, inputs, attributes)
  }

  give(name: string, order: Order, output = 0): void {
    this.values.setReal(this.outputIndex(output), name, order)
  }

  /** Gives the output after a fused activation. */
  giveActivated(name: string, order: Order, code: number): void {
    this.give(this.activated(name, code), order)
  }

  activated(name: string, code: number): string {
    const activation = ACTIVATIONS[code]
    if (activation === 'none') {
      return name
    }
    // LiteRT's own kernels leave a fused tanh out without a word, so no result would be the right one.
    const clamp = activation === undefined ? undefined : CLAMPS[activation]
    if (clamp === undefined) {
      throw unsupported(`the activation ${activation ?? code} of ${this.operator.name}`)
    }
    const [low, high] = clamp
    if (this.#rangeIsWithin(low, high)) {
      return name
    }
    if (low === 0 && high === Number.POSITIVE_INFINITY) {
      return this.node('Relu', [name])
    }
    return this.node('Clip', [name, this.graph.scalar(low), this.graph.scalar(high)])
  }

  /** True when the codes of the output cannot pass the limits, so that rounding to codes clamps already. */
  #rangeIsWithin(low: number, high: number): boolean {
    const codes = this.values.codeScale(this.outputIndex())
    if (codes === undefined) {
      return false
    }
    const lowest = Math.round(low / codes.scale) + codes.zeroPoint
    const highest = Math.round(high / codes.scale) + codes.zeroPoint
    return lowest <= 0 && highest >= 255
  }

  /**
   * For operators that only move values: when inputs and output share one scale they work on the codes
   * themselves, which is exact and moves a quarter of the bytes. `build` gets the names of the data inputs in
   * the order asked for, and `zero`, the stored value of a real 0.
   */
  move(
    inputs: readonly number[],
    order: Order,
    build: (names: string[], kind: { coded: boolean; zeroPoint: number }) => string[] | string,
    resultOrder: Order,
  ): void {
    const scale = this.values.codeScale(this.outputIndex())
    const coded =
      scale !== undefined &&
      [...inputs.map((input) => this.index(input)), ...this.operator.outputs].every((index) => {
        const own = this.values.codeScale(index)
        return own?.scale === scale.scale && own.zeroPoint === scale.zeroPoint
      })
    const names = inputs.map((input) =>
      coded ? this.values.codes(this.index(input), order) : this.real(input, order),
    )
    const results = build(names, { coded, zeroPoint: coded ? scale.zeroPoint : 0 })
    for (const [output, name] of (typeof results === 'string' ? [results] : results).entries()) {
      if (coded) {
        this.values.setCodes(this.outputIndex(output), name, resultOrder)
      } else {
        this.give(name, resultOrder, output)
      }
    }
  }

  /** An operand made as wide as `rank`, in an order of that rank, so that ONNX broadcasts it as TFLite does. */
  broadcast(input: number, rank: number, order: Order): string {
    const tensor = this.tensor(input)
    const own = tensor.shape.length
    if (own > rank) {
      throw corrupt(`at most ${rank} axes for input ${input} of ${this.operator.name}`, `${own}`)
    }
    if (elementCount(tensor.shape) === 1 && own <= 1) {
      return this.real(input)
    }
    if (own === rank) {
      return this.real(input, order)
    }
    const wide = [...new Array(rank - own).fill(1), ...tensor.shape]
    const name = this.node('Reshape', [this.real(input), this.graph.int64(wide)])
    if (isIdentity(order)) {
      return name
    }
    // With one axis longer than 1 nothing moves, so the runtime may fold or skip the copy.
    return wide.filter((size) => size !== 1).length <= 1
      ? this.node('Reshape', [this.real(input), this.graph.int64(stored(wide, order))])
      : this.node('Transpose', [name], { perm: [...order] })
  }

  isQuantizedInput(input: number): boolean {
    return isQuantized(this.tensor(input))
  }
}
