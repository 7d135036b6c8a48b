/** An XML declaration stands in the first bytes, and all of its characters are ASCII in any encoding that has one. */
const DECLARATION_BYTES = 256

/**
 * Text of an XML file in the encoding that its mark or its declaration names, UTF-8 where neither does.
 *
 * cost  read in another encoding, every class with letters beyond ASCII gets a wrong name
 * source  https://www.w3.org/TR/xml/#sec-guessing
 * @throws Error with one line for an encoding that is not known, and for bytes that are none of it
 */
export function decodeXml(bytes: Uint8Array): string {
  const encoding = markedEncoding(bytes) ?? declaredEncoding(bytes) ?? 'utf-8'
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(encoding, { fatal: true })
  } catch {
    throw new Error(`Expected an encoding that is known but the file declares "${encoding.slice(0, 40)}"`)
  }
  try {
    return decoder.decode(bytes)
  } catch {
    throw new Error(
      `Expected text in ${encoding} but received other bytes; XML in another encoding declares it`,
    )
  }
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) {
    return 'utf-8'
  }
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0 && c === 0x3f && d === 0)) {
    return 'utf-16le'
  }
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c && c === 0 && d === 0x3f)) {
    return 'utf-16be'
  }
  return undefined
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, DECLARATION_BYTES))
  const declared = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)["']/i.exec(head)?.[1]?.trim()
  // Whoever writes bytes without NUL and says UTF-16 has copied the declaration.
  return declared !== undefined && /^utf-?16|^ucs-?2/i.test(declared) ? undefined : declared
}
