import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Detection } from './detection.ts'
import { intersectionOverSmaller } from './iou.ts'
import { isCut, mergeSliced } from './merge.ts'
import { tileCount, tiles } from './slice.ts'

const PART_LIMIT = 0.5
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
          expect(places).toHaveLength(tileCount({ width, height }, size, overlap))
          for (const axis of [
            { total: width, start: 'left', length: 'width' },
            { total: height, start: 'top', length: 'height' },
          ] as const) {
            const starts = [...new Set(places.map((tile) => tile[axis.start]))].sort((a, b) => a - b)
            const length = places[0]![axis.length]
            expect(starts[0]).toBe(0)
            expect(starts.at(-1)! + length).toBe(axis.total)
            for (let i = 1; i < starts.length; i++) {
              expect(starts[i]! - starts[i - 1]!).toBeLessThanOrEqual(length)
            }
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

const whole = (detection: Detection) => ({ detection, cut: false })
const cut = (detection: Detection) => ({ detection, cut: true })

describe('mergeSliced', () => {
  it('makes one box of an object that no tile saw whole', () => {
    expect(mergeSliced([cut(found(0, 100, 0.9)), cut(found(40, 180, 0.7))])).toEqual([found(0, 180, 0.9)])
  })
  it('drops the part of an object that is there whole, and the whole does not grow', () => {
    expect(mergeSliced([cut(found(0, 100, 0.9)), whole(found(10, 180, 0.7))])).toEqual([found(10, 180, 0.7)])
  })
  it('drops a part that no other tile has seen', () => {
    expect(mergeSliced([cut(found(0, 100, 0.9))])).toEqual([])
  })
  it('keeps the better of two views of one object', () => {
    expect(mergeSliced([whole(found(0, 100, 0.6)), whole(found(5, 105, 0.8))])).toEqual([found(5, 105, 0.8)])
  })
  it('keeps a small object in front of a large one of its class, and other classes', () => {
    const boxes = [found(0, 100, 0.9), found(10, 30, 0.8), found(0, 100, 0.7, 1)]
    expect(mergeSliced(boxes.map(whole))).toHaveLength(3)
  })
  it('takes boxes of two classes for one object where asked to', () => {
    const boxes = [whole(found(0, 100, 0.9)), whole(found(2, 102, 0.7, 1))]
    expect(mergeSliced(boxes, { acrossClasses: true })).toEqual([found(0, 100, 0.9)])
  })
  it.each([
    ['left', { x1: 101, y1: 140, x2: 150, y2: 160 }, true],
    ['top', { x1: 140, y1: 101, x2: 160, y2: 150 }, true],
    ['right', { x1: 140, y1: 140, x2: 199, y2: 160 }, true],
    ['bottom', { x1: 140, y1: 140, x2: 160, y2: 199 }, true],
    ['no', { x1: 140, y1: 140, x2: 160, y2: 160 }, false],
  ])('tells a box that ends at the %s edge of its tile', (_edge, box, expected) => {
    const tile = { left: 100, top: 100, width: 100, height: 100 }
    expect(isCut(box, tile, { width: 300, height: 300 })).toBe(expected)
    // Where the picture ends with the tile, the object does too.
    expect(
      isCut(box, { ...tile, left: 0, top: 0, width: 200, height: 200 }, { width: 200, height: 200 }),
    ).toBe(false)
  })
  it('leaves no part over half of another part of its class', () => {
    const part = fc
      .tuple(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 5, max: 80 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 99 }),
      )
      .map(([x, width, isPart, score]) => ({ detection: found(x, x + width, score / 100), cut: isPart }))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (list) => {
        const merged = mergeSliced(list)
        const isWhole = (detection: Detection) =>
          list.some((item) => !item.cut && item.detection === detection)
        for (const [i, a] of merged.entries()) {
          for (const b of merged.slice(i + 1)) {
            if (isWhole(a) || isWhole(b)) {
              continue
            }
            expect(intersectionOverSmaller(a.box, b.box)).toBeLessThanOrEqual(PART_LIMIT)
          }
        }
      }),
    )
  })
})

describe('isCut', () => {
  const tile = { left: 100, top: 0, width: 100, height: 100 }
  const image = { width: 400, height: 100 }
  it('sees a box that ends at an inner edge of its tile', () => {
    expect(isCut({ x1: 101, y1: 20, x2: 150, y2: 80 }, tile, image)).toBe(true)
    expect(isCut({ x1: 120, y1: 20, x2: 199, y2: 80 }, tile, image)).toBe(true)
  })
  it('takes the edge of the picture for no cut', () => {
    expect(isCut({ x1: 120, y1: 0, x2: 150, y2: 100 }, tile, image)).toBe(false)
  })
})
