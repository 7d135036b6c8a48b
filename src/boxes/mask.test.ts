import { describe, expect, it } from 'vitest'
import { letterbox } from './letterbox.ts'
import { objectMask } from './mask.ts'

const prototypes = Float32Array.from({ length: 16 * 16 }, (_, cell) => (cell % 16 < 8 ? 1 : -1))
const masks = { perCandidate: 1, coefficients: Float32Array.of(2), prototypes, width: 16, height: 16 }

describe('objectMask', () => {
  it('finds the half of the picture that the prototype marks, through a letterbox', () => {
    const image = { width: 200, height: 100 }
    const at = letterbox(
      image,
      { width: 64, height: 64 },
      { fit: 'letterbox', align: 'centre', rounding: 'round' },
    )
    const mask = objectMask(masks, 0, { x1: 0, y1: 0, x2: 200, y2: 100 }, at)!
    expect([mask.left, mask.top, mask.width, mask.height]).toEqual([0, 0, 200, 100])
    const row = mask.data.subarray(50 * 200, 51 * 200)
    expect(row.indexOf(0)).toBeGreaterThanOrEqual(99)
    expect(row.indexOf(0)).toBeLessThanOrEqual(101)
  })
  it.each([
    ['without width', { x1: 10, y1: 0, x2: 10, y2: 5 }],
    ['turned over', { x1: 0, y1: 9, x2: 5, y2: 2 }],
    ['of more pixels than memory is given for', { x1: 0, y1: 0, x2: 1e6, y2: 1e6 }],
  ])('makes none for a box %s', (_, box) => {
    const size = { width: 64, height: 64 }
    const at = letterbox(size, size, { fit: 'stretch', align: 'top-left', rounding: 'round' })
    expect(objectMask(masks, 0, box, at)).toBeUndefined()
  })
  it('covers the box only', () => {
    const at = letterbox(
      { width: 64, height: 64 },
      { width: 64, height: 64 },
      { fit: 'stretch', align: 'top-left', rounding: 'round' },
    )
    const mask = objectMask(masks, 0, { x1: 10.4, y1: 20.6, x2: 20.2, y2: 30 }, at)!
    expect([mask.left, mask.top, mask.width, mask.height]).toEqual([10, 20, 11, 10])
    expect(mask.data.every((pixel) => pixel === 1)).toBe(true)
  })
})
