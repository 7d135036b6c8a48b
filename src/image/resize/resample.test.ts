import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Size } from '../../boxes/box.ts'
import type { RgbImage } from '../rgb-image.ts'
import { resample } from './resample.ts'

type Method = 'bilinear' | 'bicubic' | 'area' | 'nearest'
const METHODS: Method[] = ['bilinear', 'bicubic', 'area', 'nearest']

const golden = JSON.parse(readFileSync(new URL('opencv.golden.json', import.meta.url), 'utf8')) as {
  cases: { method: Method; from: [number, number]; to: [number, number]; pixels: number[] }[]
}

function resized(image: RgbImage, to: Size, method: Method): Uint8Array {
  const out = new Uint8Array(to.width * to.height * 3)
  const seen: number[] = []
  resample(image, to, method, (row, y) => {
    seen.push(y)
    out.set(row, y * to.width * 3)
  })
  expect(seen).toEqual(Array.from({ length: to.height }, (_, y) => y))
  return out
}

/** The formula that the golden file names. */
function pattern(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        data[i++] = (x * x * 7 + y * 13 * (c + 1) + x * y * 5 + c * 50) % 256
      }
    }
  }
  return { width, height, data }
}

describe('resample against OpenCV', () => {
  for (const { method, from, to, pixels } of golden.cases) {
    it(`gives OpenCV's pixels for ${method} from ${from.join('×')} to ${to.join('×')}`, () => {
      const ours = resized(pattern(...from), { width: to[0], height: to[1] }, method)
      // OpenCV's vector code sums cubic and area in another order than its plain code, which moves ties by one.
      const tolerance = method === 'bilinear' || method === 'nearest' ? 0 : 1
      const worst = Math.max(...pixels.map((value, i) => Math.abs(value - ours[i]!)))
      expect(worst).toBeLessThanOrEqual(tolerance)
    })
  }
})

const edge = fc.integer({ min: 1, max: 40 })
const image = fc
  .record({ width: edge, height: edge })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, data })),
  )
const size = fc.record({ width: edge, height: edge })

describe('resample', () => {
  it('keeps a flat colour flat', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.constantFrom(...METHODS),
        fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
        (from, to, method, colour) => {
          const data = Uint8Array.from({ length: from.width * from.height * 3 }, (_, i) => colour[i % 3]!)
          const out = resized({ ...from, data }, to, method)
          // OpenCV's truncating shifts lose up to one step.
          expect(out.every((value, i) => Math.abs(value - colour[i % 3]!) <= 1)).toBe(true)
        },
      ),
    )
  })

  it('copies a picture that has the size already', () => {
    fc.assert(
      fc.property(image, fc.constantFrom(...METHODS), (picture, method) => {
        expect(resized(picture, picture, method)).toEqual(picture.data)
      }),
    )
  })

  it('stays within the range of the source for all but bicubic, which may overshoot', () => {
    fc.assert(
      fc.property(image, size, fc.constantFrom('bilinear', 'area', 'nearest'), (picture, to, method) => {
        const out = resized(picture, to, method)
        const low = picture.data.reduce((a, b) => Math.min(a, b))
        const high = picture.data.reduce((a, b) => Math.max(a, b))
        expect(out.every((value) => value >= low - 1 && value <= high + 1)).toBe(true)
      }),
    )
  })

  it('gives the mirrored picture for the mirrored source, within a step', () => {
    fc.assert(
      fc.property(image, size, fc.constantFrom('bilinear', 'bicubic'), (picture, to, method) => {
        const straight = resized(picture, to, method)
        const turned = mirror({ ...to, data: resized(mirror(picture), to, method) })
        // Positions are rounded to single precision, so a weight may differ by one in 2,048 on each axis.
        expect(turned.data.every((value, i) => Math.abs(value - straight[i]!) <= 2)).toBe(true)
      }),
    )
  })
})

function mirror({ width, height, data }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3
      out.set(data.subarray(from, from + 3), (y * width + width - 1 - x) * 3)
    }
  }
  return { width, height, data: out }
}
