import type { GraphBuilder } from '../onnx/write/graph-builder.ts'
import { codesConstant, INT8_TO_UINT8, isQuantized, realConstant } from './constants.ts'
import type { TfliteGraph, TfliteTensor } from './graph.ts'
import { corrupt, unsupported } from './limits.ts'
import { identity, type Order, sameOrder, transposition } from './order.ts'

interface Stored {
  name: string
  order: Order
}

/** What is known of a tensor in the ONNX graph: real values, 8-bit codes, or both, each in some orders. */
interface Value {
  real: Stored[]
  codes: Stored[]
}

/** Scale and zero point of uint8 codes. */
export interface CodeScale {
  scale: number
  zeroPoint: number
}

/**
 * The tensors of a TFLite graph as values of an ONNX graph. Codes of int8 tensors are kept as uint8: ONNX
 * Runtime's uint8 kernels do not saturate on processors without VNNI, so results are the same everywhere.
 */
export class Values {
  readonly graph: GraphBuilder
  readonly tensors: TfliteTensor[]
  /** Tensors that are another one with zeros around its rows and columns: top, left, bottom, right. */
  readonly paddings = new Map<number, { from: number; pads: number[] }>()
  readonly #values = new Map<number, Value>()
  readonly #constants = new Map<string, string>()

  constructor(graph: GraphBuilder, source: TfliteGraph) {
    this.graph = graph
    this.tensors = [...source.tensors]
  }

  tensor(index: number): TfliteTensor {
    return this.tensors[index]!
  }

  isConstant(index: number): boolean {
    return this.tensors[index]?.data !== undefined && !this.#values.has(index)
  }

  /** Order in which the tensor lies at first hand. */
  order(index: number): Order {
    const value = this.#values.get(index)
    return value?.codes[0]?.order ?? value?.real[0]?.order ?? identity(this.tensor(index).shape.length)
  }

  /** Scale of codes, or undefined for tensors that are kept as reals: float, 16-bit and unquantized ones. */
  codeScale(index: number): CodeScale | undefined {
    const tensor = this.tensor(index)
    if (!isQuantized(tensor) || (tensor.type !== 'int8' && tensor.type !== 'uint8')) {
      return undefined
    }
    const { scales, zeroPoints } = tensor.quantization!
    if (scales.length !== 1) {
      return undefined
    }
    const shift = tensor.type === 'int8' ? INT8_TO_UINT8 : 0
    return { scale: scales[0]!, zeroPoint: zeroPoints[0]! + shift }
  }

  /** Real values in an order, transposed when they do not lie so. */
  real(index: number, order: Order, fused = false): string {
    if (this.isConstant(index)) {
      return this.#realConstant(index, order, fused)
    }
    const value = this.#get(index)
    const ready = value.real.find((entry) => sameOrder(entry.order, order))
    if (ready !== undefined) {
      return ready.name
    }
    const name =
      value.codes.length > 0
        ? this.dequantize(this.codes(index, order), this.codeScale(index)!)
        : this.#transposed(value.real[0]!, order)
    value.real.push({ name, order })
    return name
  }

  /** uint8 codes in an order; only for tensors with a code scale. */
  codes(index: number, order: Order): string {
    if (this.isConstant(index)) {
      return codesConstant(this.graph, this.tensor(index), order)
    }
    const value = this.#get(index)
    const ready = value.codes.find((entry) => sameOrder(entry.order, order))
    if (ready !== undefined) {
      return ready.name
    }
    const name = this.#transposed(value.codes[0]!, order)
    value.codes.push({ name, order })
    return name
  }

  dequantize(codes: string, { scale, zeroPoint }: CodeScale): string {
    return this.graph.node('DequantizeLinear', [
      codes,
      this.graph.scalar(scale),
      this.graph.uint8([zeroPoint], []),
    ])
  }

  quantize(real: string, { scale, zeroPoint }: CodeScale): string {
    return this.graph.node('QuantizeLinear', [
      real,
      this.graph.scalar(scale),
      this.graph.uint8([zeroPoint], []),
    ])
  }

  /** Gives a tensor its real values; quantized tensors are rounded to their codes, as TFLite does. */
  setReal(index: number, name: string, order: Order): void {
    const tensor = this.tensor(index)
    const codeScale = this.codeScale(index)
    if (codeScale !== undefined) {
      this.setCodes(index, this.quantize(name, codeScale), order)
    } else if (isQuantized(tensor)) {
      this.#set(index, { real: [{ name: this.#rounded(name, tensor), order }], codes: [] })
    } else {
      this.#set(index, { real: [{ name, order }], codes: [] })
    }
  }

  setCodes(index: number, name: string, order: Order): void {
    this.#set(index, { real: [], codes: [{ name, order }] })
  }

  /** Lets a tensor be what another one is, its axes counted again. */
  alias(index: number, from: number, reorder: (order: Order) => Order): void {
    const value = this.#get(from)
    const moved = (entries: Stored[]) => entries.map(({ name, order }) => ({ name, order: reorder(order) }))
    // Dequantized values depend on the codes, which come first.
    this.#set(index, { real: moved(value.real), codes: moved(value.codes) })
  }

  /** Replaces a tensor by a constant that was found at conversion. */
  setConstant(index: number, values: Int32Array | BigInt64Array): void {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const type = values instanceof Int32Array ? 'int32' : 'int64'
    this.tensors[index] = {
      ...this.tensor(index),
      data,
      type,
      shape: [values.length],
      quantization: undefined,
    }
  }

  /** Lets a tensor be the same constant as another one. */
  setConstantTensor(index: number, constant: TfliteTensor): void {
    this.tensors[index] = constant
  }

  #set(index: number, value: Value): void {
    this.#values.set(index, value)
  }

  #get(index: number): Value {
    const value = this.#values.get(index)
    if (value !== undefined) {
      return value
    }
    const tensor = this.tensor(index)
    if (tensor?.isVariable) {
      throw unsupported('a state that is kept between runs')
    }
    throw corrupt(
      'operators in the order of their inputs',
      `"${tensor?.name.slice(0, 80)}" used before it is made`,
    )
  }

  #transposed({ name, order }: Stored, wanted: Order): string {
    return this.graph.node('Transpose', [name], { perm: transposition(order, wanted) })
  }

  /** `fused` keeps 8-bit codes behind a DequantizeLinear, which the runtime joins with a quantized operator. */
  #realConstant(index: number, order: Order, fused: boolean): string {
    const tensor = this.tensor(index)
    const codeScale = fused ? this.codeScale(index) : undefined
    const key = `${index}:${order.join()}:${codeScale !== undefined}`
    let name = this.#constants.get(key)
    if (name === undefined) {
      if (tensor.isSparse) {
        throw unsupported('sparse weights', 'Export the model without sparsity.')
      }
      name =
        codeScale === undefined
          ? realConstant(this.graph, tensor, order)
          : this.dequantize(this.codes(index, order), codeScale)
      this.#constants.set(key, name)
    }
    return name
  }

  /** 16-bit activations: rounded to their grid and kept as floats, which hold every code exactly. */
  #rounded(name: string, tensor: TfliteTensor): string {
    const { scales, zeroPoints } = tensor.quantization!
    if (scales.length !== 1 || tensor.type !== 'int16' || zeroPoints[0] !== 0) {
      throw unsupported(`activations of type ${tensor.type} with ${scales.length} scales`)
    }
    const scale = this.graph.scalar(scales[0]!)
    const codes = this.graph.node('Round', [this.graph.node('Div', [name, scale])])
    const bounded = this.graph.node('Clip', [codes, this.graph.scalar(-32768), this.graph.scalar(32767)])
    return this.graph.node('Mul', [bounded, scale])
  }
}
