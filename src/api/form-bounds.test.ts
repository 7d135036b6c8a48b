import { describe, expect, it } from 'vitest'
import { FormCount, MOST_FIELDS } from './form-bounds.ts'

const part = (i: number) => `--x y\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\n1\r\n`
const form = (parts: number) =>
  Buffer.from(`${Array.from({ length: parts }, (_, i) => part(i)).join('')}--x y--\r\n`)
const TYPE = 'multipart/form-data; boundary="x y"'

/** Index of the byte at which it was refused; undefined where it was not. */
function refusedAt(body: Buffer, pieceBytes: number, type = TYPE): number | undefined {
  const count = new FormCount(type, 2)
  for (let at = 0; at < body.length; at += pieceBytes) {
    try {
      count.add(body.subarray(at, at + pieceBytes))
    } catch (error) {
      expect((error as Error).message).toBe(
        `Expected at most ${MOST_FIELDS + 2} parts in a form but received more.`,
      )
      return at
    }
  }
  return undefined
}

describe('the count of the parts of a form', () => {
  it.each([1, 2, 3, 7, 64, 100_000])('is the same in pieces of %i bytes', (pieceBytes) => {
    expect(refusedAt(form(MOST_FIELDS + 2), pieceBytes)).toBeUndefined()
    const preamble = Buffer.from('preamble\r\n')
    expect(refusedAt(Buffer.concat([preamble, form(MOST_FIELDS + 2)]), pieceBytes)).toBeUndefined()
    expect(refusedAt(form(MOST_FIELDS + 10), pieceBytes)).toBeDefined()
  })

  it('ends long before the form does', () => {
    const body = form(100_000)
    expect(refusedAt(body, 1024)).toBeLessThan(body.length / 100)
  })

  it('takes a boundary without quotes, and leaves a form without one to its reader', () => {
    const body = Buffer.from(form(200).toString().replaceAll('x y', 'xy'))
    expect(refusedAt(body, 1024, 'multipart/form-data; charset=utf-8; Boundary=xy; a=b')).toBeDefined()
    expect(refusedAt(body, 1024, 'multipart/form-data')).toBeUndefined()
  })

  it('takes the dashes of a file for what they are', () => {
    expect(refusedAt(Buffer.from('--x\r\n--\n--x z'.repeat(1_000)), 64)).toBeUndefined()
  })
})
