import { describe, expect, it } from 'vitest'
import type { Dataset } from '../datasets/dataset.ts'
import { inputSizeFor } from './input-size.ts'

/** A picture of 640 × 480 with square objects of these edges, class after class. */
function setOf(...classes: readonly (readonly number[])[]): Dataset {
  return {
    name: 'squares',
    format: 'coco',
    categories: classes.map((_, id) => ({ id, name: `class ${id}` })),
    images: [{ id: 1, fileName: 'a.png', path: 'a.png', width: 640, height: 480 }],
    annotations: classes.flatMap((edges, categoryId) =>
      edges.map((edge, id) => ({
        ...{ id, imageId: 1, categoryId, area: edge * edge, crowd: false, difficult: false },
        box: { x: 0, y: 0, width: edge, height: edge },
      })),
    ),
    problems: [],
    notes: [],
  }
}

describe('the size of the input', () => {
  it.each([
    ['is that of the base for large objects', setOf([100, 200]), 416],
    ['is where the smallest class has 32 pixels', setOf([200], [10, 45, 300]), 480],
    ['grows by a quarter at most', setOf([200], [5]), 512],
    ['is that of the base without objects', setOf([]), 416],
    ['is that of the base for boxes without an area', setOf([0]), 416],
  ])('%s', (_, dataset, size) => {
    expect(inputSizeFor(dataset, 416)).toBe(size)
  })
})
