import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64 } from './base64.ts'

const MAX = 1000

describe('decodeBase64', () => {
  it('gives back what was encoded, with and without padding, URL-safe, in lines and as a data URL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        const forms = [
          text,
          text.replace(/=+$/, ''),
          text.replaceAll('+', '-').replaceAll('/', '_'),
          text.replace(/.{1,20}/g, '$&\r\n'),
          `data:image/jpeg;base64,${text}`,
        ]
        for (const form of forms) {
          expect(decodeBase64(form, MAX)).toEqual(bytes)
        }
      }),
    )
  })

  it('refuses other characters wherever they stand', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.constantFrom('!', '\u00e9', '\0', '=', '.', '\u{1f600}'),
        (bytes, at, odd) => {
          const text = Buffer.from(bytes).toString('base64').replace(/=+$/, '')
          const place = at % text.length
          const damaged = text.slice(0, place) + odd + text.slice(place)
          expect(() => decodeBase64(damaged, MAX)).toThrow('Expected base64')
        },
      ),
    )
  })

  it('refuses text that no bytes encode to, and more bytes than are allowed', () => {
    expect(() => decodeBase64('AAAAA', MAX)).toThrow('Expected base64')
    expect(() => decodeBase64('A'.repeat(2000), MAX)).toThrow('at most 1000 bytes')
    expect(() => decodeBase64(Buffer.alloc(MAX + 1).toString('base64'), MAX)).toThrow('at most 1000 bytes')
  })
})
