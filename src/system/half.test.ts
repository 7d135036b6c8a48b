import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHalf, fromHalves, toHalf } from './half.ts'

describe('toHalf', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_519.99, 0x7bff],
    [65_520, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [2 ** -14, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
  ])('codes %f as NumPy does', (value, expected) => {
    expect(toHalf(value)).toBe(expected)
  })

  it('keeps what is not a number', () => {
    expect(fromHalf(toHalf(Number.NaN))).toBeNaN()
  })

  it('returns every half that there is', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half)
      if (!Number.isNaN(value)) {
        expect(toHalf(value)).toBe(half)
      }
    }
  })

  it('gives many halves what it gives each', () => {
    const all = Uint16Array.from({ length: 0x10000 }, (_, half) => half)
    expect(fromHalves(all)).toEqual(Float32Array.from(all, fromHalf))
  })

  it('picks the nearest half', () => {
    fc.assert(
      fc.property(fc.float({ min: -65_504, max: 65_504, noNaN: true }), (value) => {
        const half = toHalf(value)
        const error = Math.abs(fromHalf(half) - value)
        for (const neighbour of [half - 1, half + 1]) {
          if ((neighbour & 0x7fff) >= 0x7c00 || neighbour < 0) {
            continue
          }
          expect(error).toBeLessThanOrEqual(Math.abs(fromHalf(neighbour) - value))
        }
      }),
    )
  })
})
