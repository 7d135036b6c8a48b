import type { Attribute } from '../../onnx/write/encode.ts'
import { GraphBuilder } from '../../onnx/write/graph-builder.ts'
import { MAX_ACTIVATION_ELEMENTS, tooLarge, unsupported } from '../limits.ts'

/** A value of the graph with its sizes, which are known everywhere: the picture has one size. */
export interface Value {
  readonly name: string
  readonly shape: readonly number[]
}

type Attributes = Readonly<Record<string, Attribute>>

/**
 * Builds an ONNX graph of which every size is known and checked, operator by operator. A network whose parts do
 * not fit together is refused here, not by the runtime.
 */
export class Network {
  readonly graph = new GraphBuilder('checkpoint')

  /** Parts of names, so that a node can be found by the path of its module. */
  within<T>(path: string, work: () => T): T {
    const outer = this.graph.scope
    this.graph.scope = path.replaceAll('.', '/')
    try {
      return work()
    } finally {
      this.graph.scope = outer
    }
  }

  input(name: string, shape: readonly number[]): Value {
    return { name: this.graph.input(name, 'float32', shape), shape }
  }

  output(value: Value, name: string): void {
    const unique = this.graph.unique(name)
    if (!this.graph.rename(value.name, unique)) {
      this.graph.node('Identity', [value.name], {}, unique)
    }
    this.graph.outputs.push({ name: unique, type: 'float32', shape: value.shape })
  }

  /** One node with one output. */
  node(
    op: string,
    inputs: readonly (Value | string)[],
    shape: readonly number[],
    attributes: Attributes = {},
  ): Value {
    checkSize(shape)
    const names = inputs.map((input) => (typeof input === 'string' ? input : input.name))
    return { name: this.graph.node(op, names, attributes), shape }
  }

  /** Float32 values that are made when the file is written. */
  weight(shape: readonly number[], values: () => Float32Array): Value {
    checkSize(shape)
    return { name: this.graph.constant('float32', shape, values), shape }
  }

  scalar(value: number): Value {
    return { name: this.graph.scalar(value), shape: [] }
  }

  ints(values: readonly number[]): string {
    return this.graph.int64(values)
  }

  /** `op` of two values whose sizes are equal, or 1 in one of them. */
  binary(op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Max', a: Value, b: Value): Value {
    return this.node(op, [a, b], broadcast(a.shape, b.shape))
  }

  add(a: Value, b: Value): Value {
    if (a.shape.join() !== b.shape.join()) {
      throw misfit('a sum', `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`)
    }
    return this.binary('Add', a, b)
  }

  mul(a: Value, b: Value): Value {
    return this.binary('Mul', a, b)
  }

  unary(op: string, x: Value, attributes: Attributes = {}): Value {
    return this.node(op, [x], x.shape, attributes)
  }

  sigmoid(x: Value): Value {
    return this.unary('Sigmoid', x)
  }

  softmax(x: Value, axis: number): Value {
    return this.unary('Softmax', x, { axis })
  }

  concat(values: readonly Value[], axis: number): Value {
    const [first] = values
    if (first === undefined) {
      throw misfit('a concatenation', 'nothing')
    }
    const place = axis < 0 ? axis + first.shape.length : axis
    for (const { shape } of values) {
      const fits =
        shape.length === first.shape.length &&
        shape.every((size, i) => i === place || size === first.shape[i])
      if (!fits) {
        throw misfit('a concatenation', values.map((value) => `[${value.shape.join(', ')}]`).join(' and '))
      }
    }
    if (values.length === 1) {
      return first
    }
    const total = values.reduce((sum, { shape }) => sum + shape[place]!, 0)
    return this.node('Concat', values, first.shape.with(place, total), { axis: place })
  }

  /** From `start` to before `end` on one axis, every `step`-th. */
  slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
    const size = x.shape[axis] ?? 0
    if (start < 0 || end > size || start >= end) {
      throw misfit(`values ${start} to ${end}`, `${size}`)
    }
    const stop = end === size ? TO_THE_END : end
    const inputs = [x, this.ints([start]), this.ints([stop]), this.ints([axis]), this.ints([step])]
    return this.node('Slice', inputs, x.shape.with(axis, Math.ceil((end - start) / step)))
  }

  /** Parts of the given sizes, which have to fill the axis. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[axis] || sizes.some((size) => size <= 0)) {
      throw misfit(`parts of ${sizes.join(' and ')}`, `${x.shape[axis]}`)
    }
    if (sizes.length === 1) {
      return [x]
    }
    const names = this.graph.nodeOutputs('Split', [x.name, this.ints(sizes)], { axis }, sizes.length)
    return names.map((name, i) => ({ name, shape: x.shape.with(axis, sizes[i]!) }))
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (product(shape) !== product(x.shape)) {
      throw misfit(`${product(x.shape)} values in another shape`, `[${shape.join(', ')}]`)
    }
    return this.node('Reshape', [x, this.ints(shape)], shape)
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.node(
      'Transpose',
      [x],
      perm.map((axis) => x.shape[axis]!),
      { perm },
    )
  }

  /** Product of the last two axes. */
  matmul(a: Value, b: Value): Value {
    const [rows, inner] = a.shape.slice(-2)
    const [same, columns] = b.shape.slice(-2)
    if (inner !== same || rows === undefined || columns === undefined) {
      throw misfit('a matrix product', `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`)
    }
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
    return this.node('MatMul', [a, b], [...batch, rows, columns])
  }

  /** Nearest neighbours, to a whole multiple of the size. */
  enlarge(x: Value, factor: number): Value {
    const [batch = 1, channels = 1, height = 1, width = 1] = x.shape
    if (!Number.isSafeInteger(factor) || factor < 1) {
      throw misfit('a whole factor to enlarge by', `${factor}`)
    }
    const scales = this.graph.float32([1, 1, factor, factor])
    return this.node('Resize', [x, '', scales], [batch, channels, height * factor, width * factor], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    })
  }
}

/** As exporters write it, so that a graph that takes any size can be told. */
const TO_THE_END = 2 ** 31 - 1

export const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1)

export const misfit = (expected: string, received: string) => unsupported(`${expected} that fits`, received)

function checkSize(shape: readonly number[]): void {
  const elements = product(shape)
  if (!Number.isSafeInteger(elements) || elements > MAX_ACTIVATION_ELEMENTS) {
    throw tooLarge('values in one layer', MAX_ACTIVATION_ELEMENTS, elements)
  }
  if (elements <= 0) {
    throw misfit('a layer with values', `one of [${shape.join(', ')}]`)
  }
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1
    const right = b[b.length - rank + i] ?? 1
    if (left !== right && left !== 1 && right !== 1) {
      throw misfit('sizes', `[${a.join(', ')}] and [${b.join(', ')}]`)
    }
    return Math.max(left, right)
  })
}
