import type { RgbImage } from '../../image/rgb-image.ts'
import { toneTable } from './colour.ts'
import type { Placement } from './placement.ts'

/** How the network wants its values: channel order, and (value − mean) / std of 0–255 in that order. */
export interface Channels {
  order: 'RGB' | 'BGR'
  mean: readonly [number, number, number]
  std: readonly [number, number, number]
}

/**
 * Draws a placed picture into an input of three planes, bilinear, recoloured on the way.
 *
 * @param planes float32 [3, size, size]; pixels outside the picture or its window stay as they are
 */
export function render(
  planes: Float32Array,
  size: number,
  image: RgbImage,
  at: Placement,
  channels: Channels,
): void {
  const { scale, offsetX, offsetY, isMirrored, colour, window } = at
  const left = Math.max(window.x1, Math.ceil(offsetX))
  const right = Math.min(window.x2, Math.floor(offsetX + image.width * scale))
  const top = Math.max(window.y1, Math.ceil(offsetY))
  const bottom = Math.min(window.y2, Math.floor(offsetY + image.height * scale))
  if (right <= left || bottom <= top) {
    return
  }
  const across = axis(left, right, offsetX, scale, image.width, isMirrored)
  const down = axis(top, bottom, offsetY, scale, image.height, false)
  const tone = toneTable(colour)
  const { saturation } = colour
  const pixels = image.data
  const stride = 3 * image.width
  const plane = size * size
  const [red, green, blue] = channels.order === 'RGB' ? [0, plane, 2 * plane] : [2 * plane, plane, 0]
  const at0 = channels.order === 'RGB' ? 0 : 2
  const [meanRed, meanGreen, meanBlue] = [channels.mean[at0]!, channels.mean[1], channels.mean[2 - at0]!]
  const [byRed, byGreen, byBlue] = [1 / channels.std[at0]!, 1 / channels.std[1], 1 / channels.std[2 - at0]!]
  for (let y = top; y < bottom; y++) {
    const row = down.first[y - top]! * stride
    const next = down.second[y - top]! * stride
    const below = down.share[y - top]!
    let out = y * size + left
    for (let x = 0; x < right - left; x++, out++) {
      const a = row + 3 * across.first[x]!
      const b = row + 3 * across.second[x]!
      const c = next + 3 * across.first[x]!
      const d = next + 3 * across.second[x]!
      const beside = across.share[x]!
      const wa = (1 - below) * (1 - beside)
      const wb = (1 - below) * beside
      const wc = below * (1 - beside)
      const wd = below * beside
      let r =
        wa * tone[pixels[a]!]! + wb * tone[pixels[b]!]! + wc * tone[pixels[c]!]! + wd * tone[pixels[d]!]!
      let g =
        wa * tone[pixels[a + 1]!]! +
        wb * tone[pixels[b + 1]!]! +
        wc * tone[pixels[c + 1]!]! +
        wd * tone[pixels[d + 1]!]!
      let l =
        wa * tone[pixels[a + 2]!]! +
        wb * tone[pixels[b + 2]!]! +
        wc * tone[pixels[c + 2]!]! +
        wd * tone[pixels[d + 2]!]!
      if (saturation !== 1) {
        // Luma of ITU-R BT.601.
        const grey = 0.299 * r + 0.587 * g + 0.114 * l
        r = clamp(grey + (r - grey) * saturation)
        g = clamp(grey + (g - grey) * saturation)
        l = clamp(grey + (l - grey) * saturation)
      }
      planes[out + red] = (r - meanRed) * byRed
      planes[out + green] = (g - meanGreen) * byGreen
      planes[out + blue] = (l - meanBlue) * byBlue
    }
  }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value)

/** The two source pixels of each place along one axis, and the share of the second. */
function axis(from: number, to: number, offset: number, scale: number, length: number, isMirrored: boolean) {
  const first = new Int32Array(to - from)
  const second = new Int32Array(to - from)
  const share = new Float32Array(to - from)
  for (let i = 0; i < to - from; i++) {
    const place = (from + i + 0.5 - offset) / scale - 0.5
    const inside = Math.min(length - 1, Math.max(0, isMirrored ? length - 1 - place : place))
    first[i] = Math.floor(inside)
    second[i] = Math.min(length - 1, first[i]! + 1)
    share[i] = inside - first[i]!
  }
  return { first, second, share }
}

/** Fills an input with the grey of the padding. */
export function fillGrey(
  planes: Float32Array,
  size: number,
  grey: readonly number[],
  channels: Channels,
): void {
  const plane = size * size
  const order = channels.order === 'RGB' ? [0, 1, 2] : [2, 1, 0]
  order.forEach((channel, at) => {
    planes.fill((grey[channel]! - channels.mean[at]!) / channels.std[at]!, at * plane, (at + 1) * plane)
  })
}
