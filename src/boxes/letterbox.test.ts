import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defined } from '../system/defined.ts'
import type { PixelBox } from './box.ts'
import { type FitOptions, letterbox, roundHalfToEven, toImage, toInput } from './letterbox.ts'

const CENTRED: FitOptions = { fit: 'letterbox', align: 'centre', rounding: 'round' }
const target = { width: 640, height: 640 }

const edge = fc.integer({ min: 1, max: 12_000 })
const size = fc.record({ width: edge, height: edge })
const options = fc.record({
  fit: fc.constantFrom('letterbox', 'stretch', 'shortest-edge', 'none'),
  align: fc.constantFrom('centre', 'top-left'),
  rounding: fc.constantFrom('round', 'floor'),
}) as fc.Arbitrary<FitOptions>

describe('letterbox', () => {
  it('places a wide picture as the reference does', () => {
    const at = letterbox({ width: 1280, height: 720 }, target, CENTRED)
    expect(at.content).toEqual({ width: 640, height: 360 })
    expect([at.padX, at.padY]).toEqual([0, 140])
  })
  it('puts an odd pixel of padding right and below', () => {
    const at = letterbox({ width: 640, height: 427 }, target, CENTRED)
    expect(at.padY).toBe(106)
    expect(at.input.height - at.padY - at.content.height).toBe(107)
  })
  it('rounds the resized edge half to even, as Python does', () => {
    expect([0.5, 1.5, 2.5, 640.5, 641.5].map(roundHalfToEven)).toEqual([0, 2, 2, 640, 642])
    const at = letterbox({ width: 1280, height: 853 }, target, CENTRED)
    expect(at.content.height).toBe(426)
  })
  it('cuts the resized edge for YOLOX', () => {
    const at = letterbox(
      { width: 500, height: 333 },
      { width: 416, height: 416 },
      { fit: 'letterbox', align: 'top-left', rounding: 'floor' },
    )
    expect(at.content).toEqual({ width: 416, height: 277 })
    expect([at.padX, at.padY]).toEqual([0, 0])
  })
  it('pads only to the next multiple of the stride when the input is free', () => {
    const at = letterbox({ width: 640, height: 427 }, target, { ...CENTRED, stride: 32 })
    expect(at.input).toEqual({ width: 640, height: 448 })
    expect(at.padY).toBe(10)
  })
  it('keeps the long edge below its limit when the short edge decides', () => {
    const at = letterbox(
      { width: 3000, height: 1000 },
      { width: 800, height: 800 },
      { fit: 'shortest-edge', align: 'top-left', rounding: 'floor', longestEdge: 1333 },
    )
    expect(at.content).toEqual({ width: 1333, height: 444 })
  })
  it('keeps content inside the input and never empty', () => {
    fc.assert(
      fc.property(
        size,
        options,
        fc.option(fc.constantFrom(8, 32, 64), { nil: undefined }),
        (image, chosen, stride) => {
          const at = letterbox(image, target, { ...chosen, ...defined({ stride }) })
          expect(at.content.width).toBeGreaterThanOrEqual(1)
          expect(at.content.height).toBeGreaterThanOrEqual(1)
          expect(at.padX + at.content.width).toBeLessThanOrEqual(at.input.width)
          expect(at.padY + at.content.height).toBeLessThanOrEqual(at.input.height)
        },
      ),
    )
  })
  it('brings a box there and back', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(size, options, share, share, share, share, (image, chosen, a, b, c, d) => {
        const at = letterbox(image, target, chosen)
        const box: PixelBox = {
          x1: a * image.width,
          y1: b * image.height,
          x2: c * image.width,
          y2: d * image.height,
        }
        const back = toImage(toInput(box, at), at)
        for (const key of ['x1', 'y1', 'x2', 'y2'] as const) {
          expect(back[key]).toBeCloseTo(box[key], 4)
        }
      }),
    )
  })
  it('maps the corners of the picture to the corners of the content', () => {
    fc.assert(
      fc.property(size, options, (image, chosen) => {
        const at = letterbox(image, target, chosen)
        const box = toInput({ x1: 0, y1: 0, x2: image.width, y2: image.height }, at)
        expect(box.x2 - box.x1).toBeCloseTo(at.content.width, 6)
        expect(box.y2 - box.y1).toBeCloseTo(at.content.height, 6)
      }),
    )
  })
})
