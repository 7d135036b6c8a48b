import { describe, expect, it } from 'vitest'
import { alignColumns, counted, megabytes, percent } from './words.ts'

describe('numbers in words', () => {
  it('count things', () => {
    expect([0, 1, 2].map((count) => counted(count, 'object'))).toEqual(['0 objects', '1 object', '2 objects'])
  })
  it('are hundredths of a share, or a dash for none', () => {
    expect([0.9234, 0, -1, undefined].map((share) => percent(share))).toEqual(['92.3', '0.0', '–', '–'])
    expect(percent(0.555, 0)).toBe('56')
  })
  it('are megabytes of a million bytes', () => {
    expect(megabytes(12_849_000)).toBe('12.8')
  })
})

describe('alignColumns', () => {
  const rows = [['name', 'ms'], ['a', '1000'], ['a long sentence alone']]
  it('lets a lone cell run on', () => {
    expect(alignColumns(rows)).toEqual(['name  ms', 'a     1000', 'a long sentence alone'])
  })
  it('counts the cells that a terminal needs', () => {
    expect(
      alignColumns([
        ['安全帽', '1'],
        ['hat', '2'],
        ['e\u0301', '3'],
      ]),
    ).toEqual(['安全帽  1', 'hat     2', 'e\u0301       3'])
  })
  it('sets columns of numbers to the right', () => {
    expect(alignColumns(rows.slice(0, 2), (column) => column > 0)).toEqual(['name    ms', 'a     1000'])
  })
})
