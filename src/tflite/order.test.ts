import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identity, type Order, permute, reshapeInPlace, stored, transposition, withoutAxes } from './order.ts'

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 })
const ordered = shapes.chain((shape) =>
  fc.tuple(fc.constant(shape), fc.shuffledSubarray([...identity(shape.length)], { minLength: shape.length })),
)
const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)
const numbered = (shape: readonly number[]) =>
  Uint8Array.from({ length: count(shape) }, (_, index) => index % 251)

describe('permute', () => {
  it('puts each value where its index says', () => {
    fc.assert(
      fc.property(ordered, ([shape, order]) => {
        const moved = permute(numbered(shape), shape, order, 1)
        // Back by the inverse order.
        const back = permute(moved, stored(shape, order), transposition(order, identity(shape.length)), 1)
        expect(back).toEqual(numbered(shape))
      }),
    )
  })

  it('brings NHWC to NCHW', () => {
    expect([...permute(Uint8Array.of(0, 1, 2, 3, 4, 5), [1, 1, 2, 3], [0, 3, 1, 2], 1)]).toEqual([
      0, 3, 1, 4, 2, 5,
    ])
  })
})

describe('reshapeInPlace', () => {
  /** A shape and another one of as many values, made by splitting and joining axes. */
  const pairs = fc
    .tuple(ordered, fc.array(fc.nat({ max: 4 }), { maxLength: 3 }))
    .map(([[shape, order], joins]) => {
      const to = [...shape]
      for (const at of joins) {
        if (at + 1 < to.length) {
          to.splice(at, 2, to[at]! * to[at + 1]!)
        }
      }
      return { from: shape, to, order: order as Order }
    })

  it('gives the values that a reshape in logical order gives', () => {
    fc.assert(
      fc.property(pairs, ({ from, to, order }) => {
        const result = reshapeInPlace(from, to, order)
        if (result === undefined) {
          return
        }
        const data = numbered(from)
        // The stored bytes do not change; read in the resulting order they must be the logical ones.
        expect(permute(data, to, result, 1)).toEqual(permute(data, from, order, 1))
      }),
      { numRuns: 2_000 },
    )
  })

  it('keeps channels first when rows and columns become cells', () => {
    expect(reshapeInPlace([1, 80, 80, 255], [1, 6400, 255], [0, 3, 1, 2])).toEqual([0, 2, 1])
    expect(reshapeInPlace([1, 80, 80, 255], [1, 6400, 3, 85], [0, 3, 1, 2])).toEqual([0, 2, 3, 1])
  })

  it('gives up where channels mix with rows', () => {
    expect(reshapeInPlace([1, 20, 20, 6], [1, 1200, 2], [0, 3, 1, 2])).toBeUndefined()
  })
})

describe('withoutAxes', () => {
  it('counts the axes that are left anew', () => {
    expect(withoutAxes([0, 3, 1, 2], new Set([1, 2]))).toEqual([0, 1])
    expect(withoutAxes([0, 3, 1, 2], new Set([0]))).toEqual([2, 0, 1])
  })
})
