import { BoxletError } from '../../errors.ts'
import { sniff } from '../../system/sniff.ts'
import { jpegHeader } from './jpeg-header.ts'

/**
 * An SVG is a program in a document language. Patterns here never look across a `<` or twice over the same run,
 * so that checking ten megabytes stays linear. Only drawings that stand alone are rendered: nothing is fetched,
 * no entity is expanded, nothing embedded is of a kind that could hide more of the same. The renderer is given
 * bytes without an address, so it could not resolve a reference either; this is the first of two walls.
 */

/** Characters of one SVG: the largest maps are below 5 MB, and each is held several times while it is drawn. */
const MAX_SVG_BYTES = 10_000_000
/** Pictures inside one drawing: each is decoded whole. */
const MAX_EMBEDDED = 16
/** Pixels of all embedded pictures. */
const MAX_EMBEDDED_PIXELS = 2 ** 24
/** `use` elements: nested copies multiply, and real drawings keep below a few thousand. */
const MAX_USES = 10_000

export function checkSvg(bytes: Uint8Array): void {
  if (bytes.length > MAX_SVG_BYTES) {
    throw new BoxletError(
      'IMAGE_TOO_LARGE',
      `Expected at most ${MAX_SVG_BYTES} bytes for an SVG drawing but received ${bytes.length}.`,
      { hint: 'Export the drawing as PNG and send that.' },
    )
  }
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const encoding = /^(?:\xef\xbb\xbf)?<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']/.exec(source)?.[1]
  if (encoding !== undefined && !/^(utf-?8|us-ascii|iso-8859-\d+|windows-125\d)$/i.test(encoding)) {
    throw refused('text in UTF-8', 'another encoding')
  }
  // Any declaration inside the document type could define entities, which multiply or name files.
  if (/<!ENTITY|<!DOCTYPE[^<>[]*\[/i.test(source)) {
    throw refused('no entities', 'a document type that defines some')
  }
  if (/<\?xml-stylesheet|@import/i.test(source)) {
    throw refused('no style sheets from elsewhere', 'a reference to one')
  }
  if ((source.match(/<(?:[\w.-]+:)?use\b/g)?.length ?? 0) > MAX_USES) {
    throw refused(`at most ${MAX_USES} repeated parts`, 'more')
  }
  // One filter over a large area takes minutes, and the renderer cannot be interrupted inside it.
  if (/<(?:[\w.-]+:)?filter\b|\bfilter\s*[:=]/i.test(unescaped(source))) {
    throw refused('no filter effects', 'one with some')
  }
  checkReferences(unescaped(source))
}

/** With character references and CSS escapes resolved, so that names cannot hide behind them. */
function unescaped(source: string): string {
  if (!source.includes('&') && !source.includes('\\')) {
    return source
  }
  return source
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex?: string, decimal?: string) =>
      character(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replace(/\\([0-9a-f]{1,6})\s?/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replace(/\\([^0-9a-f\n])/gi, '$1')
}

const character = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '')

/** Elements whose addresses the renderer never loads: links, and fonts in a form that it does not have. */
const INERT = new Set(['a', 'font-face-uri', 'script'])

interface SvgElement {
  /** Without prefix. */
  name: string
  /** All that stands before the end of the tag. */
  attributes: string
}

/**
 * Tags in the order of the text. A pattern for whole tags keeps a place to go back to for every character, which
 * is more than the engine has room for in the largest tags; so the edges are looked for one by one.
 */
function* elements(source: string): Generator<SvgElement> {
  const opening = /<(?:[\w.-]+:)?([\w.-]+)/g
  const edge = /[<>"']/g
  for (let open = opening.exec(source); open !== null; open = opening.exec(source)) {
    const from = opening.lastIndex
    let end = source.length
    edge.lastIndex = from
    for (let at = edge.exec(source); at !== null; at = edge.exec(source)) {
      const [quote] = at
      const close = quote === '"' || quote === "'" ? source.indexOf(quote, at.index + 1) : -1
      if (close < 0) {
        end = at.index
        break
      }
      edge.lastIndex = close + 1
    }
    yield { name: open[1]!, attributes: source.slice(from, end) }
    opening.lastIndex = end
  }
}

/** Attributes that point somewhere name a part of the drawing or hold a small picture. */
function checkReferences(source: string): void {
  if (/<(?:[\w.-]+:)?include\b/i.test(source)) {
    throw refused('no included documents', 'one')
  }
  let pixels = 0
  let embedded = 0
  for (const { name, attributes } of elements(source)) {
    if (INERT.has(name)) {
      continue
    }
    for (const attribute of attributes.matchAll(/\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
      const target = (attribute[1] ?? attribute[2] ?? '').trim()
      if (target === '' || target.startsWith('#')) {
        continue
      }
      const data = /^data:image\/(?:png|jpe?g|gif);base64,/i.exec(target)
      if (data === null) {
        throw refused('no references to other files', 'one')
      }
      embedded++
      pixels += embeddedPixels(target.slice(data[0].length))
    }
  }
  if (embedded > MAX_EMBEDDED || pixels > MAX_EMBEDDED_PIXELS) {
    throw refused(
      `at most ${MAX_EMBEDDED} embedded pictures of ${MAX_EMBEDDED_PIXELS} pixels together`,
      'more',
    )
  }
  if (/url\(\s*(?:["']\s*)?(?!["'#\s])/i.test(source)) {
    throw refused('no references to other files', 'one')
  }
}

/** Declared pixels of an embedded picture; Infinity when they cannot be told without decoding it. */
function embeddedPixels(base64: string): number {
  const bytes = Buffer.from(base64, 'base64')
  const { format } = sniff(bytes)
  if (format === 'png' && bytes.length >= 24) {
    return bytes.readUInt32BE(16) * bytes.readUInt32BE(20)
  }
  if (format === 'gif' && bytes.length >= 10) {
    return bytes.readUInt16LE(6) * bytes.readUInt16LE(8)
  }
  if (format !== 'jpeg') {
    return Number.POSITIVE_INFINITY
  }
  const size = jpegHeader(bytes)?.upright
  return size === undefined ? Number.POSITIVE_INFINITY : size.width * size.height
}

const refused = (expected: string, received: string): BoxletError =>
  new BoxletError('IMAGE_FORMAT', `Expected ${expected} for an SVG drawing but received ${received}.`, {
    hint: 'Export the drawing as PNG and send that.',
  })
