import { MAX_SIZE_LIST } from '../limits.ts'
import type { OnnxNode } from '../model.ts'

/** Shapes, and small values from which shapes are made, that are known before a run. */
export interface KnownShapes {
  shapes: Map<string, number[]>
  values: Map<string, number[]>
  /** The largest value that a node gives; beyond `MAX_ELEMENTS` its shape counts as unknown. */
  largest: { name: string; elements: number }
}

/** Values of the ops with which exporters compute sizes; undefined when an input is not known. */
export function numberRule(node: OnnxNode, known: KnownShapes): number[] | undefined {
  if (node.op === 'Shape') {
    const shape = known.shapes.get(node.inputs[0] ?? '')
    return shape?.slice(node.attributes.get('start')?.int ?? 0, node.attributes.get('end')?.int)
  }
  if (node.op === 'Constant') {
    const { ints } = node.attributes.get('value_ints') ?? {}
    const { int } = node.attributes.get('value_int') ?? {}
    return ints ?? (int === undefined ? undefined : [int])
  }
  if (node.inputs.length > MAX_SIZE_LIST) {
    return undefined
  }
  const inputs: number[][] = []
  for (const name of node.inputs) {
    if (name === '') {
      continue
    }
    const values = known.values.get(name)
    if (values === undefined) {
      return undefined
    }
    inputs.push(values)
  }
  if (inputs.length === 0) {
    return undefined
  }
  const shape = known.shapes.get(node.inputs[0] ?? '')
  return shape?.length === 2 ? table(node, inputs, shape) : combine(node, inputs)
}

/** PyTorch turns paddings round as a table of two columns: rows reversed, then read column by column. */
function table(
  node: OnnxNode,
  inputs: readonly number[][],
  [rows = 0, columns = 0]: number[],
): number[] | undefined {
  const [values = []] = inputs
  if (rows * columns !== values.length) {
    return undefined
  }
  const at = (row: number, column: number) => values[row * columns + column] ?? Number.NaN
  const indices = (count: number) => Array.from({ length: count }, (_, index) => index)
  if (node.op === 'Transpose') {
    return indices(columns).flatMap((column) => indices(rows).map((row) => at(row, column)))
  }
  if (node.op === 'Slice') {
    const [, start, end, axes, steps] = inputs
    const wholeReversed =
      start?.join() === '-1' && (end?.[0] ?? 0) < -rows && axes?.join() === '0' && steps?.join() === '-1'
    return wholeReversed
      ? indices(rows).flatMap((row) => indices(columns).map((column) => at(rows - 1 - row, column)))
      : undefined
  }
  return combine(node, inputs)
}

/** Arithmetic on small number lists, for `Shape`, `Gather`, `Concat` and the like. */
export function combine(node: OnnxNode, inputs: readonly number[][]): number[] | undefined {
  const [a = [], b = [], c = []] = inputs
  switch (node.op) {
    case 'Identity':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Reshape':
      return a
    case 'Cast': {
      const target = node.attributes.get('to')?.int
      return target === 6 || target === 7 ? a.map(Math.trunc) : a
    }
    case 'Floor':
      return a.map(Math.floor)
    case 'Ceil':
      return a.map(Math.ceil)
    case 'Concat':
      return inputs.flat()
    case 'Gather':
      return b.map((index) => a[index < 0 ? index + a.length : index] ?? Number.NaN)
    case 'Slice':
      // One axis only: these are lists.
      return inputs.length >= 3 && (inputs[4]?.[0] ?? 1) === 1 ? a.slice(b[0], c[0]) : undefined
    case 'Add':
      return pairwise(a, b, (x, y) => x + y)
    case 'Sub':
      return pairwise(a, b, (x, y) => x - y)
    case 'Mul':
      return pairwise(a, b, (x, y) => x * y)
    case 'Div': {
      const whole = [...a, ...b].every(Number.isInteger)
      return pairwise(a, b, (x, y) => (whole ? Math.trunc(x / y) : x / y))
    }
    default:
      return undefined
  }
}

function pairwise(a: number[], b: number[], join: (x: number, y: number) => number): number[] | undefined {
  if (a.length !== b.length && a.length !== 1 && b.length !== 1) {
    return undefined
  }
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) =>
    join(a[a.length === 1 ? 0 : index] ?? Number.NaN, b[b.length === 1 ? 0 : index] ?? Number.NaN),
  )
}
