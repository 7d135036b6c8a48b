import { BoxletError } from '../errors.ts'

/** Standard and URL-safe letters; line breaks, as `base64` of the command line writes them, are dropped. */
const NOT_BASE64 = /[^A-Za-z0-9+/\-_]/

/**
 * Decodes base64, with or without a `data:` prefix and padding.
 *
 * @throws BoxletError REQUEST_INVALID, IMAGE_TOO_LARGE
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array {
  const start = text.startsWith('data:') ? text.indexOf(',') + 1 : 0
  if ((text.length - start) * 0.75 - 2 > maxBytes * 1.05) throw tooLarge(maxBytes)
  const body = text.slice(start).replace(/[\r\n \t]+/g, '')
  const letters = body.replace(/={1,2}$/, '')
  if (NOT_BASE64.test(letters) || letters.length % 4 === 1)
    throw new BoxletError('REQUEST_INVALID', 'Expected base64 for the picture but received other characters.')
  const bytes = decode(letters)
  if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes)
  return bytes
}

function decode(letters: string): Uint8Array {
  // Every runtime that we know has Buffer or will have fromBase64; atob alone takes ten times as long.
  if (typeof Buffer !== 'undefined') return new Uint8Array(Buffer.from(letters, 'base64'))
  const binary = atob(letters.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
}

const tooLarge = (maxBytes: number) =>
  new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${maxBytes} bytes for the picture but received more.`)
