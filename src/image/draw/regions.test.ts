import { describe, expect, it } from 'vitest'
import { decodeImage } from '../decode/decode.ts'
import type { RgbImage } from '../rgb-image.ts'
import { cropRegion, hideRegions } from './regions.ts'

/** Black and white squares of a pixel each: all detail, one mean. */
function chequered(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    data.fill((i + Math.floor(i / width)) % 2 === 0 ? 255 : 0, i * 3, i * 3 + 3)
  }
  return { width, height, data }
}
const at = ({ data, width }: RgbImage, x: number, y: number) => data[(y * width + x) * 3]!

describe('a hidden region', () => {
  it('keeps nothing of its detail, and leaves the rest and the pixels of the caller as they are', async () => {
    const image = chequered(120, 80)
    const before = image.data.slice()
    const hidden = await hideRegions(image, [{ x1: 40, y1: 20, x2: 80, y2: 60 }])
    expect(image.data).toEqual(before)
    for (let y = 0; y < 80; y++) {
      for (let x = 0; x < 120; x++) {
        if (x >= 37 && x < 83 && y >= 17 && y < 63) {
          expect(Math.abs(at(hidden, x, y) - 128)).toBeLessThan(16)
        } else if (x < 36 || x > 84 || y < 16 || y > 64) {
          expect(at(hidden, x, y)).toBe(at(image, x, y))
        }
      }
    }
  })
  it('may lie over the edge, cover all, or lie outside', async () => {
    const image = chequered(50, 40)
    const all = await hideRegions(image, [{ x1: -100, y1: -100, x2: 500, y2: 500 }])
    expect(new Set(all.data).size).toBeLessThan(40)
    const none = await hideRegions(image, [{ x1: 60, y1: 0, x2: 70, y2: 10 }])
    expect(none.data).toEqual(image.data)
  })
})

describe('a cropped region', () => {
  it('has the pixels that the box touches', async () => {
    const bytes = await cropRegion(chequered(60, 40), { x1: 10.4, y1: 5.2, x2: 29.6, y2: 35 })
    const { pixels } = await decodeImage(bytes!)
    expect([pixels.width, pixels.height]).toEqual([20, 30])
  })
  it('is none for a box outside of the picture', async () => {
    expect(await cropRegion(chequered(60, 40), { x1: 70, y1: 0, x2: 80, y2: 10 })).toBeUndefined()
  })
})
