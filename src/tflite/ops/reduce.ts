import type { Operation } from '../operation.ts'
import { withoutAxes } from '../order.ts'
import { CUMSUM, REDUCER } from '../schema.ts'

/** Reduces the axes of input 1; they move with the data, so no transposition is needed. */
export const reduce =
  (op: string) =>
  (at: Operation): void => {
    const rank = at.rank(0)
    const listed = at.ints(1, 'the axes').map((axis) => at.axis(axis, rank))
    const order = at.order(0)
    const { keepDims } = at.options(REDUCER)
    const axes = [...new Set(listed)].map((axis) => order.indexOf(axis)).toSorted((a, b) => a - b)
    const x = at.real(0, order)
    const kept = keepDims ? order : withoutAxes(order, new Set(listed))
    if (axes.length === 0) {
      at.give(at.node('Identity', [x]), order)
      return
    }
    at.give(reduced(at, op, x, axes, keepDims ? 1 : 0), kept)
  }

function reduced(at: Operation, op: string, x: string, axes: number[], keepdims: number): string {
  // Only ReduceSum takes its axes as an input in the opset that is written.
  if (op === 'ReduceSum') {
    return at.node(op, [x, at.graph.int64(axes)], { keepdims })
  }
  if (op !== 'Any' && op !== 'All') {
    return at.graph.node(op, [x], { axes, keepdims })
  }
  const numbers = at.node('Cast', [x], { to: { type: 'int32' } })
  const folded = at.graph.node(op === 'Any' ? 'ReduceMax' : 'ReduceMin', [numbers], { axes, keepdims })
  return at.node('Cast', [folded], { to: { type: 'bool' } })
}

/** ARG_MAX and ARG_MIN; the first of equal values wins in both formats. */
export const argument =
  (op: string) =>
  (at: Operation): void => {
    const [listed = 0] = at.ints(1, 'the axis')
    const axis = at.axis(listed, at.rank(0))
    const order = at.order(0)
    const found = at.node(op, [at.real(0, order)], { axis: order.indexOf(axis), keepdims: 0 })
    const type = at.outputTensor().type === 'int64' ? 'int64' : 'int32'
    at.give(at.node('Cast', [found], { to: { type: type } }), withoutAxes(order, new Set([axis])))
  }

/** Values and places of the largest along the last axis, best first. */
export function topK(at: Operation): void {
  const rank = at.rank(0)
  const order = Array.from({ length: rank }, (_, axis) => axis)
  const wide = at.node('Cast', [at.real(1)], { to: { type: 'int64' } })
  const count = at.node('Reshape', [wide, at.graph.int64([1])])
  const [values, places] = at.graph.nodeOutputs('TopK', [at.real(0, order), count], { axis: rank - 1 }, 2)
  at.give(values!, order)
  const type = at.outputTensor(1).type === 'int64' ? 'int64' : 'int32'
  at.give(at.node('Cast', [places!], { to: { type: type } }), order, 1)
}

export function cumulativeSum(at: Operation): void {
  const { exclusive, reverse } = at.options(CUMSUM)
  const order = at.order(0)
  const [listed = 0] = at.ints(1, 'the axis')
  const axis = order.indexOf(at.axis(listed, at.rank(0)))
  const name = at.node('CumSum', [at.real(0, order), at.graph.int64([axis], [])], {
    exclusive: exclusive ? 1 : 0,
    reverse: reverse ? 1 : 0,
  })
  at.give(name, order)
}
