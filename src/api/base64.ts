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
  if ((text.length - start) * 0.75 - 2 > maxBytes * 1.05) {
    throw tooLarge(maxBytes)
  }
  const plain = decodePlain(start === 0 ? text : text.slice(start))
  if (plain !== undefined) {
    return within(plain, maxBytes)
  }
  const body = text.slice(start).replace(/[\r\n \t]+/g, '')
  const letters = body.replace(/={1,2}$/, '')
  if (NOT_BASE64.test(letters) || letters.length % 4 === 1) {
    throw new BoxletError('REQUEST_INVALID', 'Expected base64 for the picture but received other characters.')
  }
  return within(decode(letters), maxBytes)
}

/**
 * Text of nothing but base64, told by the length of its bytes: the decoder passes over all other characters. To look
 * at each one first takes longer than to decode them.
 */
function decodePlain(text: string): Uint8Array | undefined {
  if (typeof Buffer === 'undefined') {
    return undefined
  }
  const letters = text.length - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
  if (letters % 4 === 1) {
    return undefined
  }
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === Math.floor((letters * 3) / 4)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : undefined
}

function within(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.byteLength > maxBytes) {
    throw tooLarge(maxBytes)
  }
  return bytes
}

function decode(letters: string): Uint8Array {
  // Every runtime that we know has Buffer or will have fromBase64; atob alone takes ten times as long.
  if (typeof Buffer !== 'undefined') {
    return new Uint8Array(Buffer.from(letters, 'base64'))
  }
  const binary = atob(letters.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
}

const tooLarge = (maxBytes: number) =>
  new BoxletError('IMAGE_TOO_LARGE', `Expected at most ${maxBytes} bytes for the picture but received more.`)
