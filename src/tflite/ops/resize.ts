import type { Operation } from '../operation.ts'
import { CHANNELS_FIRST, stored } from '../order.ts'
import { RESIZE_BILINEAR, RESIZE_NEAREST } from '../schema.ts'
import { needRank } from './window.ts'

interface Sampling {
  alignCorners: boolean
  halfPixel: boolean
}

/** Where a pixel of the result lies in the source. */
const coordinates = ({ alignCorners, halfPixel }: Sampling): string =>
  alignCorners ? 'align_corners' : halfPixel ? 'half_pixel' : 'asymmetric'

function sizes(at: Operation): string {
  needRank(at, 0, 4)
  const [, height, width] = at.outputTensor().shape
  const [batch, , , channels] = at.shape(0)
  return at.graph.int64(stored([batch!, height!, width!, channels!], CHANNELS_FIRST))
}

/** Rounds half a pixel up; without centres or corners it rounds down. */
export function resizeNearest(at: Operation): void {
  const sampling = at.options(RESIZE_NEAREST)
  const attributes = {
    mode: 'nearest',
    coordinate_transformation_mode: coordinates(sampling),
    nearest_mode: sampling.alignCorners || sampling.halfPixel ? 'round_prefer_ceil' : 'floor',
  }
  const dims = sizes(at)
  at.move(
    [0],
    CHANNELS_FIRST,
    ([name]) => at.node('Resize', [name!, '', '', dims], attributes),
    CHANNELS_FIRST,
  )
}

export function resizeBilinear(at: Operation): void {
  const attributes = {
    mode: 'linear',
    coordinate_transformation_mode: coordinates(at.options(RESIZE_BILINEAR)),
  }
  const name = at.node('Resize', [at.real(0, CHANNELS_FIRST), '', '', sizes(at)], attributes)
  at.give(name, CHANNELS_FIRST)
}
