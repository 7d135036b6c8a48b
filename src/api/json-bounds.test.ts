import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJsonObject } from './json-body.ts'
import { checkJsonBounds, JsonCount, REQUEST_BOUNDS } from './json-bounds.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const wide = { depth: 100, values: 100_000, plainBytes: 2 ** 24 }

/** As many as a reader would have to make. */
function count(value: unknown): { depth: number; values: number } {
  if (typeof value !== 'object' || value === null) {
    return { depth: 0, values: 1 }
  }
  const parts = Object.values(value).map(count)
  const names = Array.isArray(value) ? 0 : parts.length
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    values: 1 + names + parts.reduce((sum, { values }) => sum + values, 0),
  }
}

describe('the bounds of a JSON body', () => {
  it('take what has no more depth and values than are allowed, and refuse what has', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const { depth, values } = count(JSON.parse(text))
        // An opening sign counts as a value of its own, so that lists may count twice.
        checkJsonBounds(bytes(text), { ...wide, depth, values: 2 * values })
        if (depth > 0) {
          expect(() => checkJsonBounds(bytes(text), { ...wide, depth: depth - 1 })).toThrow('levels')
        }
        if (values > 2) {
          expect(() => checkJsonBounds(bytes(text), { ...wide, values: Math.floor(values / 2) - 1 })).toThrow(
            'values',
          )
        }
      }),
    )
  })

  it('find the same in pieces as in the whole', () => {
    const text = fc.json({ maxDepth: 4, stringUnit: fc.constantFrom('"', '\\', '[', ',', 'a') })
    fc.assert(
      fc.property(
        text,
        fc.array(fc.nat(30), { maxLength: 12 }),
        fc.nat(6),
        fc.nat(40),
        (json, cuts, depth, values) => {
          const most = { ...wide, depth, values }
          const whole = bytes(json)
          const inPieces = () => {
            const reading = new JsonCount(most)
            let from = 0
            for (const cut of [...cuts, whole.length]) {
              reading.add(whole.subarray(from, from + cut))
              from += cut
            }
          }
          const said = (read: () => void) => {
            try {
              read()
              return ''
            } catch (error) {
              return (error as Error).message
            }
          }
          expect(said(inPieces)).toBe(said(() => checkJsonBounds(whole, most)))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('do not count what stands in texts', () => {
    const picture = `{"image":"${'[{,:'.repeat(100_000)}","name":"a\\\\\\"[[[[","x":"\\\\"}`
    checkJsonBounds(bytes(picture), REQUEST_BOUNDS)
    expect(Object.keys(parseJsonObject(bytes(picture)))).toEqual(['image', 'name', 'x'])
  })

  it.each([
    ['lists inside lists', '['.repeat(15_000_000)],
    ['millions of names', `{${'"a":1,'.repeat(2_000_000)}"b":1}`],
    ['millions of objects', `{"images":[${'{},'.repeat(5_000_000)}{}]}`],
    ['millions of numbers', `{"classes":[${'0,'.repeat(10_000_000)}0]}`],
    ['megabytes of blanks', `{${' '.repeat(30_000_000)}}`],
    ['one number of megabytes', `{"minScore":${'1'.repeat(30_000_000)}}`],
    ['a text of escaped quotes', `{"image":"${'\\"'.repeat(10_000_000)}"}`],
  ])('end the reading of %s', (_what, text) => {
    expect(() => parseJsonObject(bytes(text))).toThrowError(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining('at most') }),
    )
  })
})
