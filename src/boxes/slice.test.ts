import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Detection } from './detection.ts'
import { mergeDetections } from './merge.ts'
import { tiles } from './slice.ts'

const edge = fc.integer({ min: 1, max: 3_000 })

describe('tiles', () => {
  it('covers every pixel with tiles of one size that stay inside', () => {
    fc.assert(
      fc.property(
        edge,
        edge,
        fc.integer({ min: 32, max: 1_500 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (width, height, size, overlap) => {
          const places = tiles({ width, height }, size, overlap)
          for (const axis of [
            { total: width, start: 'left', length: 'width' },
            { total: height, start: 'top', length: 'height' },
          ] as const) {
            const starts = [...new Set(places.map((tile) => tile[axis.start]))].sort((a, b) => a - b)
            const length = places[0]![axis.length]
            expect(starts[0]).toBe(0)
            expect(starts.at(-1)! + length).toBe(axis.total)
            for (let i = 1; i < starts.length; i++)
              expect(starts[i]! - starts[i - 1]!).toBeLessThanOrEqual(length)
          }
        },
      ),
    )
  })
  it('leaves a picture no larger than a tile whole', () => {
    expect(tiles({ width: 600, height: 400 }, 640, 0.2)).toEqual([
      { left: 0, top: 0, width: 600, height: 400 },
    ])
  })
})

const found = (x1: number, x2: number, score: number, classId = 0): Detection => ({
  label: String(classId),
  classId,
  score,
  box: { x1, y1: 0, x2, y2: 100 },
})

describe('mergeDetections', () => {
  it('makes one box of an object cut by the edge of a tile', () => {
    const merged = mergeDetections([found(0, 100, 0.9), found(40, 180, 0.7)])
    expect(merged).toEqual([{ ...found(0, 180, 0.9) }])
  })
  it('keeps neighbours that hardly overlap and other classes', () => {
    expect(mergeDetections([found(0, 100, 0.9), found(80, 200, 0.8), found(0, 100, 0.7, 1)])).toHaveLength(3)
  })
})
