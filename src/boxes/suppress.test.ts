import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Candidates } from './detection.ts'
import { iou } from './iou.ts'
import { iouOfRows, suppress } from './suppress.ts'

const candidates = (rows: [number, number, number, number, number, number][]): Candidates => ({
  count: rows.length,
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
  scores: Float32Array.from(rows, (row) => row[4]),
  classIds: Int32Array.from(rows, (row) => row[5]),
  frame: 'input',
})
const perClass = { kind: 'per-class', iou: 0.5, maxDetections: 100 } as const

const row = fc
  .tuple(
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
    fc.float({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 2 }),
  )
  .map(([x, y, w, h, score, id]): [number, number, number, number, number, number] => [
    x,
    y,
    x + w,
    y + h,
    score,
    id,
  ])
const rows = fc.array(row, { maxLength: 60 })

describe('suppress', () => {
  it('removes the weaker of two boxes of one class that overlap', () => {
    const found = candidates([
      [0, 0, 10, 10, 0.6, 0],
      [1, 0, 11, 10, 0.9, 0],
    ])
    expect([...suppress(found, perClass)]).toEqual([1])
  })
  it('keeps both when classes differ, unless suppression goes across classes', () => {
    const found = candidates([
      [0, 0, 10, 10, 0.6, 0],
      [0, 0, 10, 10, 0.9, 1],
    ])
    expect([...suppress(found, perClass)]).toEqual([1, 0])
    expect([...suppress(found, { ...perClass, kind: 'across-classes' })]).toEqual([1])
  })
  it('keeps a box whose overlap equals the threshold', () => {
    // Intersection 50 of a union of 100.
    const found = candidates([
      [0, 0, 10, 10, 0.9, 0],
      [0, 0, 10, 5, 0.8, 0],
    ])
    expect([...suppress(found, perClass)]).toEqual([0, 1])
  })
  it('leaves final boxes alone', () => {
    const found = candidates([
      [0, 0, 10, 10, 0.6, 0],
      [0, 0, 10, 10, 0.9, 0],
    ])
    expect([...suppress(found, { ...perClass, kind: 'none' })]).toEqual([1, 0])
  })
  it('keeps turned boxes that only their hulls overlap', () => {
    const found = candidates([
      [0, 45, 100, 55, 0.9, 0],
      [0, 45, 100, 55, 0.8, 0],
    ])
    const crossed = { ...found, angles: Float32Array.of(Math.PI / 4, -Math.PI / 4) }
    expect([...suppress(crossed, perClass)]).toEqual([0, 1])
    expect([...suppress({ ...found, angles: Float32Array.of(0.3, 0.3) }, perClass)]).toEqual([0])
  })
  it('leaves no two boxes of a class above the threshold, best first, and drops nothing without reason', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const found = candidates(list)
        const kept = [...suppress(found, perClass)]
        const overlap = (a: number, b: number) => iouOfRows(found.boxes, a, b)
        for (const [i, a] of kept.entries()) {
          for (const b of kept.slice(i + 1)) {
            expect(found.scores[a]).toBeGreaterThanOrEqual(found.scores[b]!)
            if (found.classIds[a] === found.classIds[b]) {
              expect(overlap(a, b)).toBeLessThanOrEqual(0.5)
            }
          }
        }
        for (let gone = 0; gone < found.count; gone++) {
          if (kept.includes(gone)) {
            continue
          }
          const reason = kept.some(
            (k) =>
              found.classIds[k] === found.classIds[gone] &&
              found.scores[k]! >= found.scores[gone]! &&
              overlap(k, gone) > 0.5,
          )
          expect(reason).toBe(true)
        }
      }),
    )
  })
  it('keeps at most the number asked for', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 5 }), (list, maxDetections) => {
        expect(suppress(candidates(list), { ...perClass, maxDetections }).length).toBeLessThanOrEqual(
          maxDetections,
        )
      }),
    )
  })
})

describe('iou', () => {
  it('is symmetric, between 0 and 1, and 1 for a box with itself', () => {
    fc.assert(
      fc.property(row, row, (a, b) => {
        const boxOf = ([x1, y1, x2, y2]: typeof a) => ({ x1, y1, x2, y2 })
        const value = iou(boxOf(a), boxOf(b))
        expect(value).toBe(iou(boxOf(b), boxOf(a)))
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(1)
        expect(iou(boxOf(a), boxOf(a))).toBe(1)
      }),
    )
  })
})
