import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defined } from '../system/defined.ts'
import { agree } from './agreement.ts'
import { bootstrapDifference, WeightedAp } from './bootstrap.ts'
import { calibrate } from './calibration.ts'
import { evaluateCoco } from './coco.ts'
import { confusionMatrix, topConfusions } from './confusion.ts'
import { sizeBreakdown } from './sizes.ts'
import { type EvaluationInput, foundTable, setBox, truthTable } from './tables.ts'
import { bestOverall, bestThresholds, thresholdCurve } from './thresholds.ts'
import { averagePrecision, evaluateVoc } from './voc-ap.ts'
import { judgePictures, worstPictures } from './worst-pictures.ts'

interface Thing {
  image: number
  category: number
  x: number
  y?: number
  width?: number
  height?: number
  score?: number
  crowd?: boolean
  ignore?: boolean
}

/** Boxes of 10 × 10 unless said otherwise; those of one place overlap fully. */
function input(truths: Thing[], founds: Thing[], images = 3, categories = 2): EvaluationInput {
  const truth = truthTable(truths.length)
  truths.forEach((thing, row) => {
    setBox(truth, row, { y: 0, width: 10, height: 10, ...thing })
    truth.area[row] = (thing.width ?? 10) * (thing.height ?? 10)
    truth.crowd[row] = thing.crowd ? 1 : 0
    truth.ignore[row] = thing.ignore ? 1 : 0
  })
  const found = foundTable(founds.length)
  founds.forEach((thing, row) => {
    setBox(found, row, { y: 0, width: 10, height: 10, ...thing })
    found.score[row] = thing.score ?? 0.9
  })
  return { images, categories, truth, found }
}

const at = (image: number, category: number, x: number, score?: number): Thing => ({
  image,
  category,
  x,
  ...defined({ score }),
})

const things = (most: number) =>
  fc.array(
    fc.record({
      image: fc.integer({ min: 0, max: 2 }),
      category: fc.integer({ min: 0, max: 1 }),
      x: fc.integer({ min: 0, max: 30 }),
      y: fc.integer({ min: 0, max: 10 }),
      width: fc.integer({ min: 1, max: 60 }),
      height: fc.integer({ min: 1, max: 60 }),
      score: fc.integer({ min: 1, max: 20 }).map((value) => value / 20),
      crowd: fc.boolean(),
    }),
    { maxLength: most },
  )

describe('COCO metrics', () => {
  it('count every object once: hits and misses make up the objects', () => {
    fc.assert(
      fc.property(things(12), things(30), (truths, founds) => {
        for (const { counts } of evaluateCoco(input(truths, founds)).classes) {
          expect(counts.truePositives).toBeLessThanOrEqual(counts.truths)
          expect(counts.truePositives + counts.falsePositives + counts.ignoredDetections).toBe(
            counts.detections,
          )
        }
      }),
    )
  })

  it('are 1 when the detections are the objects', () => {
    const truths = [at(0, 0, 0), at(0, 0, 20), at(1, 1, 5)]
    const { stats } = evaluateCoco(input(truths, truths))
    expect(stats.ap).toBeCloseTo(1, 12)
    expect([stats.ar100, stats.arSmall, stats.apLarge]).toEqual([1, 1, -1])
  })

  it('do not count detections on a crowd or on an ignored object', () => {
    const truths = [
      at(0, 0, 0),
      { ...at(0, 0, 40), crowd: true, width: 40 },
      { ...at(1, 0, 0), ignore: true },
    ]
    const founds = [at(0, 0, 0, 0.5), at(0, 0, 42, 0.9), at(0, 0, 60, 0.8), at(1, 0, 0, 0.7)]
    const { stats, classes } = evaluateCoco(input(truths, founds))
    expect(stats.ap).toBeCloseTo(1, 12)
    expect(classes[0]!.counts).toMatchObject({
      truths: 1,
      ignoredTruths: 2,
      ignoredDetections: 3,
      falsePositives: 0,
    })
  })
})

describe('VOC average precision', () => {
  it('gives both forms of a worked example', () => {
    // Recall .25, .25, .5, .5, .75 with precision 1, 1/2, 2/3, 1/2, 3/5.
    const { ap11, apContinuous } = averagePrecision([true, false, true, false, true], 4)
    expect(apContinuous).toBeCloseTo(0.25 + 0.25 * (2 / 3) + 0.25 * 0.6, 12)
    expect(ap11).toBeCloseTo((3 * 1 + 3 * (2 / 3) + 2 * 0.6) / 11, 12)
  })

  it('counts a second detection of an object as false and leaves difficult objects out', () => {
    const truths = [at(0, 0, 0), { ...at(0, 0, 50), ignore: true }]
    const founds = [at(0, 0, 0, 0.9), at(0, 0, 1, 0.8), at(0, 0, 50, 0.95)]
    const { classes } = evaluateVoc(input(truths, founds))
    expect(classes[0]).toMatchObject({ truths: 1, apContinuous: 1, ap11: 1 })
    expect(classes[1]).toMatchObject({ truths: 0, ap11: -1 })
  })

  it('stays between 0 and 1', () => {
    fc.assert(
      fc.property(things(12), things(30), (truths, founds) => {
        const { ap11, apContinuous } = evaluateVoc(input(truths, founds))
        for (const value of [ap11, apContinuous]) {
          expect(value === -1 || (value >= 0 && value <= 1 + 1e-12)).toBe(true)
        }
      }),
    )
  })
})

describe('thresholds', () => {
  const scene = () => {
    const truths = [at(0, 0, 0), at(0, 0, 30), at(1, 0, 0), at(2, 1, 0)]
    const founds = [
      at(0, 0, 0, 0.9),
      at(0, 0, 30, 0.8),
      at(1, 0, 60, 0.5),
      at(1, 0, 0, 0.2),
      at(1, 0, 90, 0.1),
    ]
    const set = input(truths, founds)
    return { set, matches: evaluateCoco(set).matches }
  }

  it('lie for each class where F1 is highest, and leave out a class that is never found', () => {
    const { set, matches } = scene()
    const [first, second] = bestThresholds(matches, set.found)
    expect(first).toMatchObject({ truePositives: 3, falsePositives: 1, falseNegatives: 0 })
    expect(first!.score).toBeGreaterThan(0.1)
    expect(first!.score).toBeLessThanOrEqual(0.2)
    expect(second).toBeUndefined()
  })

  it('have the F1 that the threshold really gives, and no other is better', () => {
    fc.assert(
      fc.property(things(12), things(40), (truths, founds) => {
        const set = input(truths, founds)
        const { matches } = evaluateCoco(set)
        const best = bestOverall(matches, set.found)
        const curve = thresholdCurve(matches, set.found)
        const most = Math.max(...curve.map((point) => point.f1))
        expect(best?.f1 ?? 0).toBeGreaterThanOrEqual(most - 1e-12)
        if (best === undefined) {
          return
        }
        const kept = [...matches.order].filter((row) => set.found.score[row]! >= best.score)
        const { matched, ignored } = matches.areas.all
        const hits = kept.filter((row) => matched[row]! & ~ignored[row]! & 1).length
        expect(hits).toBe(best.truePositives)
      }),
    )
  })
})

describe('confusion matrix', () => {
  it('puts objects into rows and what they were detected as into columns', () => {
    const set = input(
      [at(0, 0, 0), at(0, 1, 30), at(1, 0, 0)],
      [at(0, 1, 0, 0.9), at(0, 1, 30, 0.8), at(2, 0, 0, 0.9), at(1, 0, 0, 0.1)],
    )
    const matrix = confusionMatrix(set, [0.5, 0.5])
    expect([...matrix.cells]).toEqual([0, 1, 1, 0, 1, 0, 1, 0, 0])
    expect(topConfusions(matrix, 5)).toEqual([{ truth: 0, found: 1, count: 1 }])
  })

  it('counts every object that is not ignored exactly once', () => {
    fc.assert(
      fc.property(things(12), things(30), (truths, founds) => {
        const { cells, size } = confusionMatrix(input(truths, founds), [0.3, 0.3])
        const objects = [...cells.subarray(0, (size - 1) * size)].reduce((sum, count) => sum + count, 0)
        expect(objects).toBe(truths.filter((thing) => !thing.crowd).length)
      }),
    )
  })
})

describe('calibration', () => {
  it('finds no gap where the share of hits is the score', () => {
    const truths = Array.from({ length: 5 }, (_, i) => at(0, 0, i * 20))
    const founds = Array.from({ length: 10 }, (_, i) => at(0, 0, i < 5 ? i * 20 : 200 + i * 20, 0.5))
    const set = input(truths, founds)
    const calibration = calibrate(evaluateCoco(set).matches, set.found)
    expect(calibration.error).toBeCloseTo(0, 12)
    expect(calibration.bins[5]).toMatchObject({ count: 10, meanScore: 0.5, precision: 0.5 })
  })
})

describe('sizes and worst pictures', () => {
  it('tell found objects by their own size', () => {
    const truths = [
      at(0, 0, 0),
      { ...at(1, 0, 0), width: 50, height: 50 },
      { ...at(2, 0, 0), width: 100, height: 100 },
    ]
    const set = input(truths, [at(0, 0, 0), { ...at(2, 0, 0), width: 100, height: 95 }])
    const rows = sizeBreakdown(set, evaluateCoco(set).matches, [0.5, 0.5])
    expect(rows.map(({ name, truths: total, found }) => [name, total, found])).toEqual([
      ['small', 1, 1],
      ['medium', 1, 0],
      ['large', 1, 1],
    ])
  })

  it('put sure mistakes first and leave faultless pictures out', () => {
    const set = input(
      [at(0, 0, 0), at(1, 0, 0), at(2, 0, 0)],
      [at(0, 0, 0), at(1, 0, 50, 0.6), at(2, 0, 0), at(2, 0, 80, 0.3)],
    )
    const judged = judgePictures(set, evaluateCoco(set).matches, [0.2, 0.2])
    const worst = worstPictures(judged, 5)
    expect(
      worst.map(({ image, hits, misses, falsePositives }) => [image, hits, misses, falsePositives]),
    ).toEqual([
      [1, 0, 1, 1],
      [2, 1, 0, 1],
    ])
  })
})

describe('bootstrap', () => {
  it('with each picture once gives the AP of the whole set', () => {
    fc.assert(
      fc.property(things(12), things(30), (truths, founds) => {
        const set = input(truths, founds)
        const { stats, matches } = evaluateCoco(set)
        const ap = new WeightedAp({ input: set, matches }).ap(new Uint16Array(3).fill(1))
        expect(ap).toBeCloseTo(Math.max(0, stats.ap), 9)
      }),
    )
  })

  it('gives the same interval twice, and one around zero for a model and itself', () => {
    const truths = Array.from({ length: 30 }, (_, i) => at(i, 0, 0))
    const some = input(truths, truths.slice(0, 15), 30)
    const more = input(truths, truths.slice(0, 25), 30)
    const [a, b] = [some, more].map((set) => ({ input: set, matches: evaluateCoco(set).matches }))
    const interval = bootstrapDifference(a!, b!, 200)
    expect(interval.low).toBeGreaterThan(0)
    expect(interval.low).toBeLessThan(interval.difference)
    expect(interval.high).toBeGreaterThan(interval.difference)
    expect(bootstrapDifference(a!, b!, 200)).toEqual(interval)
    expect(bootstrapDifference(a!, a!, 50)).toMatchObject({ difference: 0, low: 0, high: 0 })
  })
})

describe('agreement', () => {
  it('pairs boxes of one class by overlap and leaves the rest to each side', () => {
    const box = (label: string, x: number) => ({ label, score: 0.5, x, y: 0, width: 10, height: 10 })
    const { both, onlyA, onlyB } = agree(
      0,
      [box('a', 0), box('a', 2), box('b', 50)],
      [box('a', 1), box('c', 50)],
    )
    expect([both.length, onlyA.length, onlyB.length]).toEqual([1, 2, 1])
  })
})
