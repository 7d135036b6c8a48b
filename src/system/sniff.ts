/** What bytes are, by their first few, never by a file name. */

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff' | 'heic'

/** As people write them. */
export const FORMAT_NAMES: Record<ImageFormat, string> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  avif: 'AVIF',
  gif: 'GIF',
  tiff: 'TIFF',
  heic: 'HEIC',
}
export const ALL_FORMATS = Object.keys(FORMAT_NAMES) as readonly ImageFormat[]

export interface Sniffed {
  /** Set when the format is one that is decoded here. */
  format?: ImageFormat
  /** For people: what the bytes look like. */
  name: string
}

/** Bytes looked at. Text needs this many to tell HTML and SVG from their prologues. */
const SNIFF_BYTES = 4096

/** Fixed bytes at fixed places; `?` stands for any byte. */
const SIGNATURES: readonly [start: string, name: string, format?: ImageFormat][] = [
  ['\xff\xd8\xff', 'JPEG', 'jpeg'],
  ['\x89PNG\r\n\x1a\n', 'PNG', 'png'],
  ['RIFF????WEBP', 'WebP', 'webp'],
  ['GIF87a', 'GIF', 'gif'],
  ['GIF89a', 'GIF', 'gif'],
  ['II*\0', 'TIFF', 'tiff'],
  ['MM\0*', 'TIFF', 'tiff'],
  ['II+\0', 'TIFF', 'tiff'],
  ['MM\0+', 'TIFF', 'tiff'],
  ['BM????\0\0\0\0', 'BMP'],
  ['\0\0\x01\0', 'ICO'],
  ['\0\0\0\x0cjP  ', 'JPEG 2000'],
  ['\xff\x4f\xff\x51', 'JPEG 2000'],
  ['\0\0\0\x0cJXL ', 'JPEG XL'],
  ['\xff\x0a', 'JPEG XL'],
  ['8BPS', 'Photoshop document'],
  ['%PDF-', 'PDF'],
  ['%!PS', 'PostScript'],
  ['PK\x03\x04', 'ZIP archive'],
  ['\x1f\x8b', 'gzip archive'],
  ['7z\xbc\xaf', '7-Zip archive'],
  ['\x7fELF', 'program'],
  ['MZ', 'program'],
  ['RIFF????AVI ', 'AVI video'],
  ['RIFF????WAVE', 'WAV sound'],
  ['\x1aE\xdf\xa3', 'Matroska or WebM video'],
  ['ID3', 'MP3 sound'],
  ['OggS', 'Ogg media'],
]

export function sniff(bytes: Uint8Array): Sniffed {
  if (bytes.length === 0) {
    return { name: 'no bytes' }
  }
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SNIFF_BYTES)).toString(
    'latin1',
  )
  for (const [start, name, format] of SIGNATURES) {
    if (startsWith(head, start)) {
      return format === undefined ? { name } : { name, format }
    }
  }
  if (head.slice(4, 8) === 'ftyp') {
    return isoMedia(bytes, head)
  }
  if (/^P[1-7][\s#]/.test(head)) {
    return { name: 'PPM' }
  }
  return text(head)
}

function startsWith(head: string, start: string): boolean {
  if (head.length < start.length) {
    return false
  }
  for (let i = 0; i < start.length; i++) {
    if (start[i] !== '?' && start[i] !== head[i]) {
      return false
    }
  }
  return true
}

/** AVIF, HEIC and MP4 share one container and differ by brand. */
function isoMedia(bytes: Uint8Array, head: string): Sniffed {
  const size = (bytes[2]! << 8) | bytes[3]!
  const brands = [head.slice(8, 12)]
  for (let at = 16; at + 4 <= Math.min(size, head.length); at += 4) {
    brands.push(head.slice(at, at + 4))
  }
  if (brands.includes('avif') || brands.includes('avis')) {
    return { name: 'AVIF', format: 'avif' }
  }
  if (brands.some((brand) => /^(hei[cmxs]|hev[cmxs]|mif1|msf1)$/.test(brand))) {
    return { name: 'HEIC', format: 'heic' }
  }
  if (brands[0] === 'crx ') {
    return { name: 'camera raw' }
  }
  return { name: 'MP4 or QuickTime video' }
}

function text(head: string): Sniffed {
  // UTF-16 marks first: half of such text is NUL bytes.
  if (/^(\xff\xfe|\xfe\xff)/.test(head)) {
    return { name: 'UTF-16 text' }
  }
  if (hasControls(head)) {
    return { name: 'unknown binary data' }
  }
  const body = head.replace(/^\xef\xbb\xbf/, '').trimStart()
  if (body === '') {
    return { name: 'blank text' }
  }
  if (/^(<!doctype html|<html|<head|<body)/i.test(body)) {
    return { name: 'HTML page' }
  }
  if (body.startsWith('<')) {
    return markup(body)
  }
  if (/^[{[]/.test(body)) {
    return { name: 'JSON' }
  }
  if (/^data:image\//i.test(body)) {
    return { name: 'data URL' }
  }
  if (/^(\/9j\/|iVBORw0KGgo|R0lGOD|UklGR)[A-Za-z0-9+/=\s]+$/.test(body)) {
    return { name: 'base64 text of a picture' }
  }
  if (body.startsWith('version https://git-lfs.github.com')) {
    return { name: 'Git LFS pointer' }
  }
  return { name: 'text' }
}

/** Whether there are control characters that no text holds: all but tab to carriage return, and escape. */
function hasControls(head: string): boolean {
  for (let i = 0; i < head.length; i++) {
    const code = head.charCodeAt(i)
    if (code < 0x20 && (code < 0x09 || code > 0x0d) && code !== 0x1b) {
      return true
    }
  }
  return false
}

/** The first element decides; comments, the XML declaration and the document type may stand before it. */
function markup(body: string): Sniffed {
  const first = /<(?![?!])\s*(?:[\w.-]+:)?([\w.-]+)/.exec(body.replace(/<!--[\s\S]*?-->/g, ''))?.[1]
  if (first === 'svg') {
    return { name: 'SVG' }
  }
  if (first?.toLowerCase() === 'html') {
    return { name: 'HTML page' }
  }
  return { name: 'XML' }
}
