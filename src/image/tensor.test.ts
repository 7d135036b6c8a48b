import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Letterbox, letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import { fromHalf } from '../system/half.ts'
import { resample } from './resize/resample.ts'
import type { RgbImage } from './rgb-image.ts'
import { type TensorFormat, toPixels, toTensor } from './tensor.ts'

const edge = fc.integer({ min: 1, max: 24 })
const picture = fc
  .record({ width: edge, height: edge })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data): RgbImage => ({ width, height, data })),
  )
const target = fc.record({ width: edge, height: edge })
const options = fc.record({
  fit: fc.constantFrom('letterbox' as const, 'stretch' as const, 'none' as const),
  align: fc.constantFrom('centre' as const, 'top-left' as const),
  rounding: fc.constantFrom('round' as const, 'floor' as const),
})
const channel = fc.integer({ min: 0, max: 255 })
const triple = (value: fc.Arbitrary<number>) => fc.tuple(value, value, value)
const format = fc.record({
  layout: fc.constantFrom('NCHW' as const, 'NHWC' as const, 'CHW' as const, 'HWC' as const),
  dtype: fc.constantFrom('float32' as const, 'float16' as const, 'uint8' as const, 'int8' as const),
  colour: fc.constantFrom('RGB' as const, 'BGR' as const),
  mean: triple(channel),
  std: triple(fc.integer({ min: 1, max: 255 })),
  geometry: fc.record({
    pad: triple(channel),
    resample: fc.constantFrom('bilinear' as const, 'bicubic' as const, 'area' as const, 'nearest' as const),
  }),
})

/** The slow and plain way: pixel by pixel, one step after the other. */
function expected(image: RgbImage, at: Letterbox, input: TensorFormat): number[] {
  const { width, height } = at.input
  const canvas = Array.from({ length: width * height * 3 }, (_, i) => input.geometry.pad[i % 3]!)
  resample(image, at.content, input.geometry.resample, (row, y) => {
    row.forEach((value, i) => {
      canvas[((at.padY + y) * width + at.padX) * 3 + i] = value
    })
  })
  const out = new Array<number>(canvas.length)
  for (let p = 0; p < width * height; p++) {
    for (let fed = 0; fed < 3; fed++) {
      const stored = canvas[p * 3 + (input.colour === 'BGR' ? 2 - fed : fed)]!
      const planar = input.layout === 'NCHW' || input.layout === 'CHW'
      out[planar ? fed * width * height + p : p * 3 + fed] = (stored - input.mean[fed]!) / input.std[fed]!
    }
  }
  return out
}

function real(value: number, input: TensorFormat): number {
  return input.dtype === 'float16' ? fromHalf(value) : value
}

function tolerance(value: number, input: TensorFormat): number {
  if (input.dtype === 'float32') {
    return Math.abs(value) * 1e-6
  }
  if (input.dtype === 'float16') {
    return Math.abs(value) * 1e-3 + 1e-7
  }
  return 0.5
}

describe('toTensor', () => {
  it('agrees with doing every step by itself, for every layout, type, colour order and fit', () => {
    fc.assert(
      fc.property(picture, target, options, format, (image, size, geometry, input) => {
        const at = letterbox(image, size, geometry)
        const tensor = toTensor(image, at, input)
        const limits = { float32: [-1e9, 1e9], float16: [-65504, 65504], uint8: [0, 255], int8: [-128, 127] }
        const [low, high] = limits[input.dtype] as [number, number]
        expected(image, at, input).forEach((value, i) => {
          const wanted = Math.min(Math.max(value, low), high)
          expect(Math.abs(real(tensor[i]!, input) - wanted)).toBeLessThanOrEqual(tolerance(wanted, input))
        })
      }),
      { numRuns: 300 },
    )
  })

  it('writes every element of a buffer that is used again', () => {
    fc.assert(
      fc.property(picture, target, options, format, (image, size, geometry, input) => {
        const at = letterbox(image, size, geometry)
        const fresh = toTensor(image, at, input)
        const used = toTensor(image, at, input).fill(77)
        expect(toTensor(image, at, input, used)).toBe(used)
        expect(used).toEqual(fresh)
      }),
    )
  })

  it('applies quantization after mean and std, and cuts at the ends of the type', () => {
    const image = { width: 3, height: 1, data: Uint8Array.of(0, 0, 0, 128, 128, 128, 255, 255, 255) }
    const at = letterbox(image, image, { fit: 'stretch', align: 'centre', rounding: 'round' })
    const input: TensorFormat = {
      layout: 'NHWC',
      dtype: 'int8',
      quantization: { scale: 1 / 128, zeroPoint: 3 },
      colour: 'RGB',
      mean: [127.5, 127.5, 127.5],
      std: [127.5, 127.5, 127.5],
      geometry: { pad: [0, 0, 0], resample: 'bilinear' },
    }
    expect([...toTensor(image, at, input)]).toEqual([-125, -125, -125, 4, 4, 4, 127, 127, 127])
  })

  it('maps the whole of a reduced copy to the content that the original would fill', () => {
    const full = { width: 400, height: 200 }
    const at = letterbox(
      full,
      { width: 40, height: 40 },
      { fit: 'letterbox', align: 'centre', rounding: 'round' },
    )
    const reduced = { width: 60, height: 30, data: new Uint8Array(60 * 30 * 3).fill(200) }
    const out = toPixels(reduced, at, { pad: [114, 114, 114], resample: 'bilinear' })
    const row = (y: number) => [...new Set(out.subarray(y * 120, y * 120 + 120))]
    expect([row(9), row(10), row(29), row(30)]).toEqual([[114], [200], [200], [114]])
  })

  it('refuses a buffer of the wrong length or type', () => {
    const image = { width: 2, height: 2, data: new Uint8Array(12) }
    const at = letterbox(
      image,
      { width: 4, height: 4 },
      { fit: 'letterbox', align: 'centre', rounding: 'round' },
    )
    const geometry = { pad: [0, 0, 0] as [number, number, number], resample: 'bilinear' as const }
    expect(() => toPixels(image, at, geometry, new Uint8Array(47))).toThrow(BoxletError)
    expect(() => toPixels({ ...image, data: new Uint8Array(11) }, at, geometry)).toThrow(
      /Expected 4 × 4 pixels/,
    )
  })
})
