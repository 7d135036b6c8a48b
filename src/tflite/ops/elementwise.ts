import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { identity, type Order } from '../order.ts'
import * as schema from '../schema.ts'

/** An operator of one input that changes each value by itself, whatever its place. */
export const unary =
  (op: string) =>
  (at: Operation): void => {
    const order = at.order(0)
    at.give(at.node(op, [at.real(0, order)]), order)
  }

/** A unary operator written as several ONNX nodes. */
const composed =
  (build: (at: Operation, x: string) => string) =>
  (at: Operation): void => {
    const order = at.order(0)
    at.give(build(at, at.real(0, order)), order)
  }

const clip = (low: number, high: number) =>
  composed((at, x) => at.node('Clip', [x, at.graph.scalar(low), at.graph.scalar(high)]))

export const relu6 = clip(0, 6)
export const reluN1To1 = clip(-1, 1)
export const relu0To1 = clip(0, 1)
export const rsqrt = composed((at, x) => at.node('Reciprocal', [at.node('Sqrt', [x])]))
export const square = composed((at, x) => at.node('Mul', [x, x]))
export const leakyRelu = composed((at, x) =>
  at.graph.node('LeakyRelu', [x], { alpha: { float: at.options(schema.LEAKY_RELU).alpha } }),
)

/** x · Φ(x), or the usual approximation by tanh. */
export const gelu = composed((at, x) => {
  const { graph } = at
  const half = at.node('Mul', [x, graph.scalar(0.5)])
  if (!at.options(schema.GELU).approximate) {
    const erf = at.node('Erf', [at.node('Mul', [x, graph.scalar(Math.SQRT1_2)])])
    return at.node('Mul', [half, at.node('Add', [erf, graph.scalar(1)])])
  }
  const cube = at.node('Mul', [at.node('Mul', [x, x]), x])
  const inner = at.node('Add', [x, at.node('Mul', [cube, graph.scalar(0.044715)])])
  const tanh = at.node('Tanh', [at.node('Mul', [inner, graph.scalar(Math.sqrt(2 / Math.PI))])])
  return at.node('Mul', [half, at.node('Add', [tanh, graph.scalar(1)])])
})

/** Two operands brought to one rank and order: that of the operand that is computed and has the most axes. */
function operands(at: Operation, inputs: readonly number[]): { names: string[]; order: Order } {
  const rank = Math.max(...inputs.map((input) => at.rank(input)))
  const lead =
    inputs.find((input) => !at.isConstant(input) && at.rank(input) === rank) ??
    inputs.find((input) => at.rank(input) === rank)!
  const order = at.isConstant(lead) ? identity(rank) : at.order(lead)
  at.expect(broadcastShape(at, inputs, rank))
  return { names: inputs.map((input) => at.broadcast(input, rank, order)), order }
}

function broadcastShape(at: Operation, inputs: readonly number[], rank: number): number[] {
  const sizes = new Array<number>(rank).fill(1)
  for (const input of inputs) {
    for (const [place, size] of at.shape(input).toReversed().entries()) {
      const axis = rank - 1 - place
      if (sizes[axis] === 1) {
        sizes[axis] = size
      } else if (size !== 1 && size !== sizes[axis]) {
        throw corrupt(
          `operands of ${at.operator.name} that fit each other`,
          `[${at.shape(input).join(', ')}]`,
        )
      }
    }
  }
  return sizes
}

/** ADD, SUB, MUL and DIV, with the activation that may follow. */
export const arithmetic =
  (op: string) =>
  (at: Operation): void => {
    const { names, order } = operands(at, [0, 1])
    at.giveActivated(at.node(op, names), order, at.options(schema.ARITHMETIC).activation)
  }

export const binary =
  (op: string) =>
  (at: Operation): void => {
    const { names, order } = operands(at, [0, 1])
    at.give(at.node(op, names), order)
  }

export function notEqual(at: Operation): void {
  const { names, order } = operands(at, [0, 1])
  at.give(at.node('Not', [at.node('Equal', names)]), order)
}

export function squaredDifference(at: Operation): void {
  const { names, order } = operands(at, [0, 1])
  const difference = at.node('Sub', names)
  at.give(at.node('Mul', [difference, difference]), order)
}

export function addN(at: Operation): void {
  const { names, order } = operands(
    at,
    at.operator.inputs.map((_, input) => input),
  )
  at.give(at.node('Sum', names), order)
}

const isFloat = (at: Operation): boolean => at.tensor(0).type.startsWith('float') || at.isQuantizedInput(0)

/** Rounds down, also below zero, where integer division of ONNX rounds towards zero. */
export function floorDiv(at: Operation): void {
  const { names, order } = operands(at, [0, 1])
  const [a, b] = names as [string, string]
  const quotient = isFloat(at)
    ? at.node('Floor', [at.node('Div', [a, b])])
    : at.node('Div', [at.node('Sub', [a, at.node('Mod', [a, b])]), b])
  at.give(quotient, order)
}

/** The remainder has the sign of the divisor. */
export function floorMod(at: Operation): void {
  const { names, order } = operands(at, [0, 1])
  const [a, b] = names as [string, string]
  const remainder = isFloat(at)
    ? at.node('Sub', [a, at.node('Mul', [at.node('Floor', [at.node('Div', [a, b])]), b])])
    : at.node('Mod', [a, b])
  at.give(remainder, order)
}

export function prelu(at: Operation): void {
  const order = at.order(0)
  at.give(at.node('PRelu', [at.real(0, order), at.broadcast(1, at.rank(0), order)]), order)
}

/** Softmax runs over the last axis. */
const lastAxis =
  (op: string) =>
  (at: Operation): void => {
    const order = at.order(0)
    let x = at.real(0, order)
    const { beta } = at.options(schema.SOFTMAX)
    if (op === 'Softmax' && beta !== 1) {
      x = at.node('Mul', [x, at.graph.scalar(beta)])
    }
    at.give(at.node(op, [x], { axis: order.indexOf(at.rank(0) - 1) }), order)
  }
export const softmax = lastAxis('Softmax')
export const logSoftmax = lastAxis('LogSoftmax')

/** LiteRT divides by the root of the sum of squares, at least the root of 1e-12. */
export function l2Normalization(at: Operation): void {
  const order = at.order(0)
  const x = at.real(0, order)
  const norm = at.node('ReduceL2', [x], { axes: [order.indexOf(at.rank(0) - 1)], keepdims: 1 })
  at.give(at.node('Div', [x, at.node('Max', [norm, at.graph.scalar(1e-6)])]), order)
}

/** ONNX divides alpha by the window, TFLite does not. */
export function localResponseNormalization(at: Operation): void {
  const { radius, bias, alpha, beta } = at.options(schema.LOCAL_RESPONSE_NORMALIZATION)
  if (at.rank(0) !== 4 || radius < 0) {
    throw corrupt('a picture for LOCAL_RESPONSE_NORMALIZATION', 'another form')
  }
  const size = 2 * radius + 1
  const order = [0, 3, 1, 2]
  const attributes = {
    size,
    alpha: { float: alpha * size },
    beta: { float: beta },
    bias: { float: bias },
  }
  at.give(at.graph.node('LRN', [at.real(0, order)], attributes), order)
}

/** SELECT takes a condition of the full shape or a single value; SELECT_V2 broadcasts. */
export function select(at: Operation): void {
  if (at.operator.name === 'SELECT' && at.rank(0) === 1 && at.rank(1) > 1 && at.shape(0)[0] !== 1) {
    throw unsupported('SELECT by rows')
  }
  const { names, order } = operands(at, [0, 1, 2])
  at.give(at.node('Where', names), order)
}
