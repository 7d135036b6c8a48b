import type { Graph } from './graph.ts'

/** Arithmetic of ONNX as functions, so that formulas read as formulas. Values are broadcast as NumPy does. */
export interface Maths {
  add(a: string, b: string): string
  sub(a: string, b: string): string
  mul(a: string, b: string): string
  div(a: string, b: string): string
  min(a: string, b: string): string
  max(a: string, b: string): string
  less(a: string, b: string): string
  where(condition: string, yes: string, no: string): string
  /** 1 where true, else 0. */
  float(condition: string): string
  one(
    op: 'Exp' | 'Log' | 'Sqrt' | 'Sigmoid' | 'Softplus' | 'Sign' | 'Floor' | 'Relu' | 'Neg',
    a: string,
  ): string
  sum(a: string, axes: readonly number[]): string
  /** Parts along the first axis, one row each. */
  rows(a: string, count: number): string[]
}

/** `TensorProto.DataType.FLOAT`. */
const FLOAT = 1

export function maths(graph: Graph): Maths {
  const two = (op: string) => (a: string, b: string) => graph.op(op, [a, b])
  return {
    add: two('Add'),
    sub: two('Sub'),
    mul: two('Mul'),
    div: two('Div'),
    min: two('Min'),
    max: two('Max'),
    less: two('Less'),
    where: (condition, yes, no) => graph.op('Where', [condition, yes, no]),
    float: (condition) => graph.op('Cast', [condition], { to: FLOAT }),
    one: (op, a) => graph.op(op, [a]),
    sum: (a, axes) => graph.op('ReduceSum', [a, graph.ints(axes)], { keepdims: 1 }),
    rows: (a, count) =>
      graph.many(
        'Split',
        [a, graph.ints(Array.from({ length: count }, () => 1))],
        { axis: 0 },
        Array.from({ length: count }, () => []),
      ),
  }
}
