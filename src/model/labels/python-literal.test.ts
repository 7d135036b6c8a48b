import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoxletError } from '../../errors.ts'
import { parsePythonLiteral } from './python-literal.ts'

describe('reading Python literals', () => {
  it('reads the names of an Ultralytics export', () => {
    expect(parsePythonLiteral(`{0: 'person', 1: "men's shoe", 2: 'naïve'}`)).toEqual(
      new Map([
        [0, 'person'],
        [1, "men's shoe"],
        [2, 'naïve'],
      ]),
    )
  })

  it.each([
    ["['a', 'b',]", ['a', 'b']],
    ['(640, 480)', [640, 480]],
    ['(640,)', [640]],
    ['(640)', 640],
    ['[]', []],
    ["{'a', 'b'}", ['a', 'b']],
    [
      "{'nms': False, 'half': True, 'x': None}",
      new Map<string, unknown>([
        ['nms', false],
        ['half', true],
        ['x', null],
      ]),
    ],
    [
      '{"0": "person", "ok": true, "none": null}',
      new Map<string, unknown>([
        ['0', 'person'],
        ['ok', true],
        ['none', null],
      ]),
    ],
    ['[-1.5e-3, 0x10, 1_000, .5, -inf]', [-0.0015, 16, 1000, 0.5, Number.NEGATIVE_INFINITY]],
    [String.raw`'it\'s \x41\u00e9\U0001f600\101\n\q'`, "it's Aé😀A\n\\q"],
    [String.raw`r'C:\new'`, String.raw`C:\new`],
    ["'a' 'b'", 'ab'],
    ["u'a'", 'a'],
  ])('reads %s', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value)
  })

  it.each([
    '',
    '{',
    "{0: 'a'",
    "'a",
    '[1 2]',
    '{[1]: 2}',
    '__import__("os")',
    '1; 2',
    '{0: a}',
    `'\\U00ffffff'`,
    '{1: 2, 3}',
  ])('refuses %j and says where', (text) => {
    expect(() => parsePythonLiteral(text)).toThrow(/Expected .* at character \d+/)
  })

  it('does not follow brackets without end', () => {
    expect(() => parsePythonLiteral('['.repeat(100_000))).toThrow(BoxletError)
  })

  it('keeps a key named like a built-in as data', () => {
    expect(parsePythonLiteral("{'__proto__': 'a'}")).toEqual(new Map([['__proto__', 'a']]))
  })

  it('reads back any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        expect(toPlain(parsePythonLiteral(JSON.stringify(value)))).toEqual(
          toPlain(JSON.parse(JSON.stringify(value))),
        )
      }),
    )
  })

  it('answers any text with a value or a BoxletError', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: fc.constantFrom(...'[](){}\'",:\\ 01-ex.TNu') }),
        (a, b) => {
          for (const text of [a, b]) {
            try {
              parsePythonLiteral(text)
            } catch (error) {
              expect(error).toBeInstanceOf(BoxletError)
            }
          }
        },
      ),
    )
  })
})

/** Maps as entries, so that both sides compare alike, and −0 as 0, which JSON text loses. */
function toPlain(value: unknown): unknown {
  if (value instanceof Map) {
    return { entries: [...value].map(([key, inner]) => [String(key), toPlain(inner)]) }
  }
  if (Array.isArray(value)) {
    return value.map(toPlain)
  }
  if (typeof value === 'object' && value !== null) {
    return { entries: Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]) }
  }
  return Object.is(value, -0) ? 0 : value
}
