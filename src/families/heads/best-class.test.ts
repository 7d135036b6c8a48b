import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bestClasses } from './best-class.ts'

/** One comparison after the other; the first of equal classes wins, and what is no number never does. */
function oneByOne(scores: Float32Array, cells: number, classes: number, threshold: number) {
  const best = new Float32Array(cells).fill(threshold)
  const classIds = new Int32Array(cells).fill(-1)
  for (let id = 0; id < classes; id++) {
    for (let cell = 0; cell < cells; cell++) {
      const score = scores[id * cells + cell]!
      if (score > best[cell]!) {
        best[cell] = score
        classIds[cell] = id
      }
    }
  }
  const hits = [...classIds.keys()].filter((cell) => classIds[cell]! >= 0)
  return { hits, best, classIds }
}

const score = fc.oneof(fc.float(), fc.constantFrom(0, 1, -1, Number.NaN))

it('finds the best class of each cell, for any number of cells and classes, in any order of sizes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }).chain((cells) =>
        fc.record({
          cells: fc.constant(cells),
          rows: fc.array(fc.array(score, { minLength: cells, maxLength: cells }), {
            minLength: 1,
            maxLength: 5,
          }),
        }),
      ),
      fc.float({ noNaN: true }),
      ({ cells, rows }, threshold) => {
        const scores = Float32Array.from(rows.flat())
        const found = bestClasses(scores, cells, rows.length, threshold)
        expect({ hits: [...found.hits], best: [...found.best], classIds: [...found.classIds] }).toEqual(
          Object.fromEntries(
            Object.entries(oneByOne(scores, cells, rows.length, threshold)).map(([key, value]) => [
              key,
              [...value],
            ]),
          ),
        )
      },
    ),
  )
})

it('reads more cells than its memory held before', () => {
  const cells = 100_000
  const scores = new Float32Array(cells * 2)
  scores[cells + cells - 1] = 1
  expect(bestClasses(scores, cells, 2, 0.5).classIds.at(-1)).toBe(1)
  expect(bestClasses(new Float32Array(3), 3, 1, 0.5).classIds).toEqual(new Int32Array([-1, -1, -1]))
})
