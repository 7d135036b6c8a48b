import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { area } from '../../boxes/box.ts'
import { iou } from '../../boxes/iou.ts'
import { PLAIN, randomColour, toneTable } from './colour.ts'
import { placeFour } from './mosaic.ts'
import { moveBoxes } from './move-boxes.ts'
import { type Augmentation, type Placement, placeOne } from './placement.ts'
import { randomStream } from './random.ts'
import { type Channels, fillGrey, render } from './render.ts'

const CHANGE: Augmentation = { zoom: [0.5, 1.5], mirror: true, colour: true, mosaic: 0.7 }
const RGB: Channels = { order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1] }
const edge = fc.integer({ min: 8, max: 400 })
const whole = (size: number) => ({ x1: 0, y1: 0, x2: size, y2: size })

describe('placements', () => {
  it('show at least a part of the picture, at a size within the zoom', () => {
    fc.assert(
      fc.property(edge, edge, fc.integer(), (width, height, seed) => {
        const size = 96
        const at = placeOne(3, { width, height }, size, CHANGE, randomStream(seed))
        const fitting = Math.min(size / width, size / height)
        expect(at.scale / fitting).toBeGreaterThanOrEqual(0.5)
        expect(at.scale / fitting).toBeLessThanOrEqual(1.5)
        const shown = {
          x1: at.offsetX,
          y1: at.offsetY,
          x2: at.offsetX + width * at.scale,
          y2: at.offsetY + height * at.scale,
        }
        expect(iou(shown, whole(size))).toBeGreaterThan(0)
      }),
    )
  })
  it('of a mosaic do not overlap and stay in the input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ width: edge, height: edge }), { minLength: 1, maxLength: 9 }),
        fc.integer(),
        (sizes, seed) => {
          const four = placeFour(0, sizes, 96, CHANGE, randomStream(seed))
          const windows = four.map(({ window }) => window).filter(({ x1, y1, x2, y2 }) => x2 > x1 && y2 > y1)
          for (const [i, a] of windows.entries()) {
            expect(area(a)).toBeLessThanOrEqual(96 * 96)
            expect(windows.slice(i + 1).every((b) => iou(a, b) === 0)).toBe(true)
          }
        },
      ),
    )
  })
})

describe('moveBoxes', () => {
  const object = { classId: 2, box: { x1: 10, y1: 20, x2: 30, y2: 60 } }
  const at = (changes: Partial<Placement>): Placement => ({
    picture: 0,
    scale: 1,
    offsetX: 0,
    offsetY: 0,
    isMirrored: false,
    colour: PLAIN,
    window: whole(100),
    ...changes,
  })
  const picture = { width: 100, height: 100 }

  it('scales, shifts and mirrors', () => {
    expect(moveBoxes([object], at({ scale: 0.5, offsetX: 40, isMirrored: true }), picture)).toEqual([
      { classId: 2, box: { x1: 75, y1: 10, x2: 85, y2: 30 } },
    ])
  })
  it('cuts what lies outside, and leaves out what is mostly outside', () => {
    expect(moveBoxes([object], at({ offsetX: -20 }), picture)[0]!.box.x1).toBe(0)
    expect(moveBoxes([object], at({ offsetX: -25 }), picture)).toEqual([])
  })
})

describe('render', () => {
  /** A picture with one white pixel block at a known place. */
  const picture = (() => {
    const data = new Uint8Array(3 * 40 * 40)
    for (let y = 10; y < 20; y++) {
      data.fill(255, 3 * (y * 40 + 5), 3 * (y * 40 + 15))
    }
    return { width: 40, height: 40, data }
  })()
  const box = { classId: 0, box: { x1: 5, y1: 10, x2: 15, y2: 20 } }

  it('draws an object where its box says', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const size = 64
        const at = { ...placeOne(0, picture, size, CHANGE, randomStream(seed)), colour: PLAIN }
        const planes = new Float32Array(3 * size * size)
        render(planes, size, picture, at, RGB)
        for (const moved of moveBoxes([box], at, picture)) {
          const { x1, y1, x2, y2 } = moved.box
          const middle = planes[Math.floor((y1 + y2) / 2) * size + Math.floor((x1 + x2) / 2)]!
          expect(middle).toBeGreaterThan(200)
        }
        const inside = (x: number, y: number) =>
          moveBoxes([box], at, picture).some(
            ({ box: { x1, y1, x2, y2 } }) => x > x1 - 2 && x < x2 + 1 && y > y1 - 2 && y < y2 + 1,
          )
        // Half of the block and more outside: its box is left out, its pixels are not.
        if (moveBoxes([box], at, picture).length > 0) {
          for (let i = 0; i < size * size; i++) {
            expect(planes[i]! < 200 || inside(i % size, Math.floor(i / size))).toBe(true)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
  it('gives the network its order and scale of channels', () => {
    const red = { width: 2, height: 2, data: Uint8Array.of(200, 0, 0, 200, 0, 0, 200, 0, 0, 200, 0, 0) }
    const planes = new Float32Array(12)
    const channels: Channels = { order: 'BGR', mean: [10, 20, 30], std: [1, 2, 5] }
    fillGrey(planes, 2, [114, 114, 114], channels)
    expect(planes[8]).toBeCloseTo(84 / 5, 4)
    const at = placeOne(0, red, 2, { ...CHANGE, zoom: [1, 1], mirror: false }, () => 0.5)
    render(planes, 2, red, { ...at, colour: PLAIN, offsetX: 0, offsetY: 0 }, channels)
    expect([...planes].map(Math.round)).toEqual([-10, -10, -10, -10, -10, -10, -10, -10, 34, 34, 34, 34])
  })
})

describe('colour', () => {
  it('changes values within their range and in their order', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const table = [...toneTable(randomColour(randomStream(seed)))]
        expect(
          table.every((value, i) => value >= 0 && value <= 255 && (i === 0 || value >= table[i - 1]!)),
        ).toBe(true)
      }),
    )
  })
})

describe('randomStream', () => {
  it('gives other numbers for another seed, purpose or place, and the same again', () => {
    const first = (...path: number[]) => randomStream(1, ...path)()
    const all = [first(1, 0), first(1, 1), first(2, 0), first(0, 1), randomStream(2, 1, 0)()]
    expect(new Set(all).size).toBe(all.length)
    expect(first(1, 0)).toBe(all[0])
  })
})
