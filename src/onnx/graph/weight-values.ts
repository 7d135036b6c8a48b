import type { OnnxModel, OnnxTensor } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import type { Links } from './links.ts'

/** A weight as it is computed with. */
export interface WeightValues {
  dims: number[]
  values: Float32Array<ArrayBuffer>
}

/** A constant is stored behind two or three operators; a file may name itself as its own source. */
const MOST_STEPS = 8

/**
 * A constant as floats, through the ways in which it is stored small: halves behind a Cast, whole numbers behind a
 * Cast and a product, or behind DequantizeLinear. Undefined for all else and for what is large.
 */
export function weightValues(
  model: OnnxModel,
  links: Links,
  name: string,
  steps = MOST_STEPS,
): WeightValues | undefined {
  if (steps === 0) {
    return undefined
  }
  const read = (tensor: OnnxTensor | undefined) =>
    tensor === undefined ? undefined : tensorValues(model.bytes, tensor)
  const constant = links.constants.get(name)
  if (constant !== undefined) {
    const values = read(constant)
    return values && { dims: constant.dims, values: Float32Array.from(values) }
  }
  const node = links.producers.get(name)
  if (node === undefined || node.domain !== '') {
    return undefined
  }
  const [first = '', second = '', third = ''] = node.inputs
  if (node.op === 'Cast' && node.attributes.get('to')?.int === 1) {
    return weightValues(model, links, first, steps - 1)
  }
  if (node.op === 'Mul') {
    const codes = weightValues(model, links, first, steps - 1)
    const scale = links.constants.get(second)
    const factors = scale?.type === 'float32' ? read(scale) : undefined
    const axis = scale === undefined || codes === undefined ? -1 : spreadAxis(scale.dims, codes.dims)
    return codes && factors && axis >= 0 ? scaled(codes, factors, axis) : undefined
  }
  if (node.op !== 'DequantizeLinear') {
    return undefined
  }
  const codes = weightValues(model, links, first, steps - 1)
  const factors = read(links.constants.get(second))
  const zeros = third === '' ? [0] : read(links.constants.get(third))
  if (codes === undefined || factors === undefined || zeros === undefined) {
    return undefined
  }
  const rank = codes.dims.length
  const given = node.attributes.get('axis')?.int ?? 1
  const isWhole = factors.length === 1 && zeros.length === 1
  const axis = isWhole ? 0 : given < 0 ? given + rank : given
  // Blocks have a factor for each part of a row, which this does not read.
  const fits = (list: ArrayLike<number>): boolean => list.length === 1 || list.length === codes.dims[axis]
  if ((node.attributes.get('block_size')?.int ?? 0) > 0 || !fits(factors) || !fits(zeros)) {
    return undefined
  }
  return scaled(codes, factors, axis, zeros)
}

/** The one axis along which factors differ; that of the channels where they do not. */
function spreadAxis(factors: readonly number[], dims: readonly number[]): number {
  if (factors.length > dims.length) {
    return -1
  }
  const aligned = [...new Array<number>(dims.length - factors.length).fill(1), ...factors]
  const wide = aligned.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  return wide.length === 0 ? 0 : wide.length === 1 && aligned[wide[0]!] === dims[wide[0]!] ? wide[0]! : -1
}

function scaled(
  { dims, values }: WeightValues,
  factors: readonly number[],
  axis: number,
  zeros: readonly number[] = [0],
): WeightValues {
  const rows = dims[axis] ?? 1
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1)
  const result = values.map((value, at) => {
    const row = Math.floor(at / inner) % rows
    return (
      (value - (zeros.length === 1 ? zeros[0]! : zeros[row]!)) *
      (factors.length === 1 ? factors[0]! : factors[row]!)
    )
  })
  return { dims, values: result }
}
