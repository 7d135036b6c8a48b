import { PADDING_SAME } from '../codes.ts'
import { corrupt } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { CHANNELS_FIRST } from '../order.ts'
import { POOL_2D } from '../schema.ts'

/** Height and width of an NHWC shape. */
export const spatial = (shape: readonly number[]): number[] => [shape[1]!, shape[2]!]

export function needRank(at: Operation, input: number, rank: number): void {
  const shape = at.shape(input)
  if (shape.length !== rank) {
    throw corrupt(`${rank} axes for input ${input} of ${at.operator.name}`, `[${shape.join(', ')}]`)
  }
}

/** A stride of 0 would never reach the end. */
export function needPositive(at: Operation, sizes: readonly number[]): void {
  if (sizes.some((size) => size < 1)) {
    throw corrupt(`sizes and strides of 1 or more for ${at.operator.name}`, sizes.join(', '))
  }
}

/** How many windows fit into a padded size. */
export const windows = (size: number, kernel: number, stride: number, dilation: number): number =>
  Math.max(0, Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1)

/**
 * Padding SAME: as many windows as the size divided by the stride, rounded up; an odd pixel goes to the end.
 *
 * @returns top, left, bottom, right, as ONNX counts `pads`
 */
export function samePads(
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const totals = sizes.map((size, axis) => {
    const stride = strides[axis]!
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size)
  })
  const begins = totals.map((total) => total >> 1)
  return [...begins, ...totals.map((total, axis) => total - begins[axis]!)]
}

function poolAttributes(at: Operation): { activation: number; attributes: Record<string, number[]> } {
  const options = at.options(POOL_2D)
  needRank(at, 0, 4)
  const kernel = [options.filterH, options.filterW]
  const strides = [options.strideH, options.strideW]
  needPositive(at, [...kernel, ...strides])
  const pads =
    options.padding === PADDING_SAME ? samePads(spatial(at.shape(0)), kernel, strides, [1, 1]) : [0, 0, 0, 0]
  const [batch = 1, , , channels = 1] = at.shape(0)
  const sizes = spatial(at.shape(0)).map((size, axis) =>
    windows(size + pads[axis]! + pads[axis + 2]!, kernel[axis]!, strides[axis]!, 1),
  )
  at.expect([batch, ...sizes, channels])
  return { activation: options.activation, attributes: { kernel_shape: kernel, strides, pads } }
}

/** The largest of codes is the code of the largest, so quantized pictures stay codes. */
export function maxPool2d(at: Operation): void {
  const { activation, attributes } = poolAttributes(at)
  if (activation !== 0) {
    const name = at.node('MaxPool', [at.real(0, CHANNELS_FIRST)], attributes)
    at.giveActivated(name, CHANNELS_FIRST, activation)
    return
  }
  at.move([0], CHANNELS_FIRST, (names) => at.node('MaxPool', names, attributes), CHANNELS_FIRST)
}

/** Padding does not count into the mean, in TFLite as in ONNX by default. */
export function averagePool2d(at: Operation): void {
  const { activation, attributes } = poolAttributes(at)
  const name = at.node('AveragePool', [at.real(0, CHANNELS_FIRST)], attributes)
  at.giveActivated(name, CHANNELS_FIRST, activation)
}
