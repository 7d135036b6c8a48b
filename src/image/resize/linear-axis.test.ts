import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resample } from './resample.ts'
import { emptyAxis, heldBytes, linearAxis, nearestEven, setLinear } from './resample-linear.ts'

/** OpenCV's formula, one position after the other. */
function oneByOne(from: number, to: number, dropOutside: boolean) {
  const axis = emptyAxis(to)
  const scale = 1 / (to / from)
  for (let i = 0; i < to; i++) {
    const position = Math.fround((i + 0.5) * scale - 0.5)
    const floor = Math.floor(position)
    const outside = dropOutside && (floor < 0 || floor >= from - 1)
    setLinear(axis, i, floor, outside ? 0 : Math.fround(position - floor), from)
  }
  return axis
}

it('places and weighs every pixel of an axis as OpenCV does', () => {
  const pixels = fc.integer({ min: 1, max: 5000 })
  fc.assert(
    fc.property(pixels, pixels, fc.boolean(), (from, to, dropOutside) => {
      expect(linearAxis(from, to, dropOutside)).toEqual(oneByOne(from, to, dropOutside))
    }),
    { numRuns: 200 },
  )
})

it('rounds halves to the even neighbour', () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6].map(nearestEven)).toEqual([0, 2, 2, 2, 3])
})

it('keeps no memory of a picture that is one long row', () => {
  const long = { width: 2 ** 22, height: 1, data: new Uint8Array(2 ** 22 * 3) }
  let rows = 0
  resample(long, { width: 640, height: 1 }, 'bilinear', () => rows++)
  expect(rows).toBe(1)
  expect(heldBytes()).toBeLessThan(2 ** 23)
})
