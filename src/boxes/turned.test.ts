import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { corners, polygonIou } from './turned.ts'

describe('turned boxes', () => {
  it('turns clockwise on screen about the centre', () => {
    const [first] = corners(0, 0, 4, 2, Math.PI / 2)
    expect(first!.x).toBeCloseTo(3)
    expect(first!.y).toBeCloseTo(-1)
  })
  it('has an overlap of 1 with itself at any angle and is symmetric', () => {
    const angle = fc.double({ min: -4, max: 4, noNaN: true })
    fc.assert(
      fc.property(angle, angle, (a, b) => {
        const one = corners(0, 0, 30, 10, a)
        const two = corners(5, 2, 25, 14, b)
        expect(polygonIou(one, one)).toBeCloseTo(1, 6)
        expect(polygonIou(one, two)).toBeCloseTo(polygonIou(two, one), 6)
      }),
    )
  })
  it('has no overlap with a box without an area', () => {
    expect(polygonIou(corners(0, 0, 10, 10, 0), corners(5, 5, 5, 5, 0))).toBe(0)
  })
  it('agrees with upright boxes', () => {
    expect(polygonIou(corners(0, 0, 10, 10, 0), corners(5, 0, 15, 10, 0))).toBeCloseTo(1 / 3)
    expect(polygonIou(corners(0, 0, 10, 10, 0), corners(20, 0, 30, 10, 0))).toBe(0)
  })
})
