import type { DraftNode, DraftTensor } from '../graph/draft.ts'

/** Axis of the output channels of a weight; undefined where the constant is no weight of this node. */
export function channelAxis(
  { op, inputs }: DraftNode,
  { name, dims }: DraftTensor,
  isTransposed: boolean,
): number | undefined {
  if (inputs[1] !== name || inputs[0] === name) {
    return undefined
  }
  switch (op) {
    case 'Conv':
      return 0
    case 'ConvTranspose':
      return 1
    case 'MatMul':
      return dims.length === 2 ? 1 : undefined
    case 'Gemm':
      return isTransposed ? 0 : 1
    default:
      return undefined
  }
}

export interface QuantizedRows {
  codes: Int8Array
  /** One for each index along the axis. */
  scales: Float32Array
}

/**
 * Whole numbers from −`most` to `most` with a scale for each index along an axis: value ≈ code · scale. Rows of zeros
 * get the scale 1.
 *
 * @param atLeast scales that must not be gone below, so that sums of the codes fit elsewhere
 */
export function quantizeRows(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  most: number,
  atLeast?: Float32Array,
): QuantizedRows {
  const rows = dims[axis]!
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1)
  const row = (at: number): number => Math.floor(at / inner) % rows
  const scales = new Float32Array(rows)
  for (let at = 0; at < values.length; at++) {
    const index = row(at)
    scales[index] = Math.max(scales[index]!, Math.abs(values[at]!))
  }
  for (let index = 0; index < rows; index++) {
    const scale = Math.max(scales[index]! / most, atLeast?.[index] ?? 0)
    scales[index] = scale > 0 && Number.isFinite(scale) ? scale : 1
  }
  const codes = Int8Array.from(values, (value, at) =>
    Math.max(-most, Math.min(most, Math.round(value / scales[row(at)]!))),
  )
  return { codes, scales }
}
