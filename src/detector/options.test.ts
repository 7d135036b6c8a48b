import { describe, expect, it } from 'vitest'
import { FLAT_OPTIONS, nested, type OptionRow, takes } from './options.ts'

describe('options under flat names', () => {
  it('become those of a call', () => {
    expect(
      nested({ minScore: 0.3, classes: ['cat', 2], maxPixels: 100, tolerant: true, altText: true }),
    ).toEqual({ minScore: 0.3, classes: ['cat', 2], image: { maxPixels: 100, tolerant: true } })
    expect(nested({})).toEqual({})
  })
  it('ask for tiles by a size or an overlap of them, unless tiles are refused', () => {
    expect(nested({ slice: true })).toEqual({ slice: true })
    expect(nested({ sliceOverlap: 0.3 })).toEqual({ slice: { overlap: 0.3 } })
    expect(nested({ slice: true, sliceSize: 64 })).toEqual({ slice: { size: 64 } })
    expect(nested({ slice: false, sliceSize: 64 })).toEqual({ slice: false })
  })
})

describe('the table of options', () => {
  it('takes the ends of each range and nothing beyond them', () => {
    for (const [name, row] of Object.entries<OptionRow>(FLAT_OPTIONS)) {
      const { min, max, integer } = row
      const step = integer ? 1 : 1e-9
      expect([name, min === undefined || takes(row, min)]).toEqual([name, true])
      expect([name, min !== undefined && takes(row, min - step)]).toEqual([name, false])
      expect([name, max !== undefined && takes(row, max + step)]).toEqual([name, false])
      expect([name, max === undefined || takes(row, max)]).toEqual([name, true])
      expect([name, takes(row, Number.NaN), takes(row, null)]).toEqual([name, false, false])
    }
  })
})
