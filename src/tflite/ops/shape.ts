import { constantInts } from '../constants.ts'
import { elementCount, type TfliteTensor } from '../graph.ts'
import { corrupt } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { identity, isIdentity, reshapeInPlace, sameOrder, stored } from '../order.ts'
import { CONCATENATION, PACK } from '../schema.ts'

/** RESHAPE, SQUEEZE and EXPAND_DIMS: the shape of the output is in the file. */
export function reshape(at: Operation): void {
  const from = at.shape(0)
  const to = resolvedShape(at)
  const order = at.order(0)
  const kept = isIdentity(order) ? undefined : reshapeInPlace(from, to, order)
  const inputOrder = kept === undefined ? identity(from.length) : order
  const outputOrder = kept ?? identity(to.length)
  const dims = at.graph.int64(stored(to, outputOrder))
  at.move([0], inputOrder, ([name]) => at.node('Reshape', [name!, dims]), outputOrder)
}

/** The declared shape; files with a free batch axis declare 1 for it. */
function resolvedShape(at: Operation): number[] {
  const count = elementCount(at.shape(0))
  const to = at.outputTensor().shape
  if (elementCount(to) !== count) {
    throw corrupt(`${count} values after ${at.operator.name}`, `[${to.join(', ')}]`)
  }
  return to
}

/** Costs nothing: only the count of the axes changes. */
export function transpose(at: Operation): void {
  const axes = at.ints(1, 'the order')
  if (
    !sameOrder(
      axes.toSorted((a, b) => a - b),
      identity(at.rank(0)),
    )
  ) {
    throw corrupt(`an order of ${at.rank(0)} axes for TRANSPOSE`, axes.join(', '))
  }
  const reorder = (order: readonly number[]) => order.map((axis) => axes.indexOf(axis))
  const order = at.order(0)
  if (at.isConstant(0)) {
    at.give(at.real(0, order), reorder(order))
  } else if (sameScale(at)) {
    at.values.alias(at.outputIndex(), at.index(0), reorder)
  } else {
    at.give(at.real(0, order), reorder(order))
  }
}

function sameScale(at: Operation): boolean {
  const from = at.values.codeScale(at.index(0))
  const to = at.values.codeScale(at.outputIndex())
  return from?.scale === to?.scale && from?.zeroPoint === to?.zeroPoint
}

export function concatenation(at: Operation): void {
  const options = at.options(CONCATENATION)
  const rank = at.rank(0)
  const axis = at.axis(options.axis, rank)
  // An empty part may have lost its other sizes, and adds nothing.
  const inputs = at.operator.inputs
    .map((_, input) => input)
    .filter((input) => elementCount(at.shape(input)) > 0)
  const lead = inputs.find((input) => !at.isConstant(input)) ?? 0
  const order = at.order(lead)
  at.expect(
    at
      .shape(lead)
      .map((size, place) => (place === axis ? sum(inputs.map((input) => at.shape(input)[axis]!)) : size)),
  )
  const attributes = { axis: order.indexOf(axis) }
  if (options.activation !== 0) {
    const name = at.node(
      'Concat',
      inputs.map((input) => at.real(input, order)),
      attributes,
    )
    at.giveActivated(name, order, options.activation)
    return
  }
  at.move(inputs, order, (names) => at.node('Concat', names, attributes), order)
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)

/** Puts tensors of one shape beside each other along a new axis. */
export function pack(at: Operation): void {
  const rank = at.rank(0) + 1
  const axis = at.axis(at.options(PACK).axis, rank)
  const axes = at.graph.int64([axis])
  const inputs = at.operator.inputs.map((_, input) => input)
  at.expect([inputs.length, ...at.shape(0)])
  at.move(
    inputs,
    identity(rank - 1),
    (names) =>
      at.node(
        'Concat',
        names.map((name) => at.node('Unsqueeze', [name, axes])),
        { axis },
      ),
    identity(rank),
  )
}

export function unpack(at: Operation): void {
  const rank = at.rank(0)
  const axis = at.axis(at.options(PACK).axis, rank)
  at.move(
    [0],
    identity(rank),
    ([name]) =>
      at.operator.outputs.map((_, index) =>
        at.node('Gather', [name!, at.graph.int64([index], [])], { axis }),
      ),
    identity(rank - 1),
  )
}

/** Sizes are fixed in a converted model. */
export function shapeOf(at: Operation): void {
  const sizes = at.shape(0)
  const long = at.outputTensor().type === 'int64'
  at.values.setConstant(at.outputIndex(), long ? BigInt64Array.from(sizes, BigInt) : Int32Array.from(sizes))
}

export function rankOf(at: Operation): void {
  at.give(at.graph.int32([at.rank(0)], []), [])
}

export function tile(at: Operation): void {
  const order = identity(at.rank(0))
  const times = at.ints(1, 'the repeats')
  at.expect(at.shape(0).map((size, axis) => size * times[axis]!))
  const repeats = at.graph.int64(times)
  at.move([0], order, ([name]) => at.node('Tile', [name!, repeats]), order)
}

export function broadcastTo(at: Operation): void {
  const to = at.outputTensor().shape
  const order = identity(at.rank(0))
  at.move([0], order, ([name]) => at.node('Expand', [name!, at.graph.int64(to)]), identity(to.length))
}

/** inputs: sizes, value. */
export function fill(at: Operation): void {
  const to = at.outputTensor().shape
  at.move([1], [], ([name]) => at.node('Expand', [name!, at.graph.int64(to)]), identity(to.length))
}

export function zerosLike(at: Operation): void {
  const order = at.order(0)
  const x = at.real(0, order)
  // The difference of equal numbers; the runtime needs no type of its own for it.
  at.give(at.node('Sub', [x, x]), order)
}

/** inputs: first, limit, step. All are known, since a converted model has fixed sizes. */
export function range(at: Operation): void {
  const [first, limit, step] = [0, 1, 2].map((input) => constantNumber(at.tensor(input)))
  at.expect([Math.max(0, Math.ceil((limit! - first!) / step!))])
  at.give(at.node('Range', [at.real(0), at.real(1), at.real(2)]), [0])
}

function constantNumber(tensor: TfliteTensor): number {
  const { type, data } = tensor
  if (type !== 'float32' || data === undefined) {
    return constantInts(tensor, 'a limit of RANGE')[0] ?? Number.NaN
  }
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getFloat32(0, true)
}
