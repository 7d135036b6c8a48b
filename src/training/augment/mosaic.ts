import type { PixelBox } from '../../boxes/box.ts'
import { PLAIN, randomColour } from './colour.ts'
import type { Augmentation, PictureSize, Placement } from './placement.ts'
import { between } from './random.ts'

/** Share of the input by which the whole mosaic is moved. */
const SHIFT = 0.1

/**
 * Four pictures that meet in a point, on a canvas of twice the input, of which a part is shown.
 *
 * source  Bochkovskiy, Wang, Liao: YOLOv4 (2020), section 3.3; point and canvas as in YOLOX `data/datasets/mosaicdetection.py`
 */
export function placeFour(
  first: number,
  sizes: readonly PictureSize[],
  size: number,
  change: Augmentation,
  random: () => number,
): Placement[] {
  const meetX = between(random, 0.5, 1.5) * size
  const meetY = between(random, 0.5, 1.5) * size
  const zoom = between(random, ...change.zoom)
  const shiftX = between(random, -SHIFT, SHIFT) * size
  const shiftY = between(random, -SHIFT, SHIFT) * size
  const toX = (x: number) => (x - size) * zoom + size / 2 + shiftX
  const toY = (y: number) => (y - size) * zoom + size / 2 + shiftY
  return [0, 1, 2, 3].map((corner) => {
    const picture = corner === 0 ? first : Math.floor(random() * sizes.length)
    const { width, height } = sizes[picture]!
    const fitting = Math.min(size / width, size / height)
    const isRight = corner % 2 === 1
    const isBelow = corner >= 2
    const left = isRight ? meetX : meetX - width * fitting
    const top = isBelow ? meetY : meetY - height * fitting
    return {
      picture,
      scale: fitting * zoom,
      offsetX: toX(left),
      offsetY: toY(top),
      isMirrored: change.mirror && random() < 0.5,
      colour: change.colour ? randomColour(random) : PLAIN,
      window: quarter(Math.round(toX(meetX)), Math.round(toY(meetY)), isRight, isBelow, size),
    }
  })
}

const quarter = (x: number, y: number, isRight: boolean, isBelow: boolean, size: number): PixelBox => ({
  x1: isRight ? Math.max(0, x) : 0,
  y1: isBelow ? Math.max(0, y) : 0,
  x2: isRight ? size : Math.min(size, x),
  y2: isBelow ? size : Math.min(size, y),
})
