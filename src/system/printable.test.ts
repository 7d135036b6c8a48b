import { describe, expect, it } from 'vitest'
import { oneLine, printable } from './printable.ts'

describe('printable text', () => {
  it.each([
    ['an escape sequence', '\u001b[2Jx', '\\u001b[2Jx'],
    ['one that starts with a single C1 character', '\u009b2Jx', '\\u009b2Jx'],
    ['a window title with a bell', '\u001b]0;x\u0007', '\\u001b]0;x\\u0007'],
    ['a carriage return that overwrites the line', 'safe\revil', 'safe\\u000devil'],
    ['backspaces and DEL', 'a\b\u007f', 'a\\u0008\\u007f'],
    ['a turn of direction', 'a\u202egpj.exe', 'a\\u202egpj.exe'],
    ['isolates', '\u2066a\u2069', '\\u2066a\\u2069'],
    ['a separator of lines that is none', 'a\u2028b', 'a\\u2028b'],
    ['nothing else: umlauts, CJK, emoji of several parts', 'äß 猫 👩‍🚀', 'äß 猫 👩‍🚀'],
  ])('defuses %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
    expect(oneLine(text)).toBe(expected)
  })
  it('keeps line ends and tabs where they are wanted alone', () => {
    expect(printable('a\tb\r\nc\n')).toBe('a\tb\r\nc\n')
    expect(oneLine('a\tb\r\nc\n')).toBe('a\\u0009b\\u000d\\u000ac\\u000a')
  })
  it('leaves the value of JSON as it is', () => {
    const value = { '\u202ea': ['\u009b2J\\', '\u007f\\\u2066', '\u001b"'] }
    const text = printable(JSON.stringify(value, undefined, 2))
    expect(JSON.parse(text)).toEqual(value)
    expect(text).not.toMatch(/[\u007f-\u009f\u202e\u2066]/)
  })
})
