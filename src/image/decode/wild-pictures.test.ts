import { deflateSync } from 'node:zlib'
import sharp, { type JpegOptions } from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage } from './decode.ts'
import { tiffHeader } from './tiff-header.ts'

/** Pictures as cameras, satellites and broken transfers leave them. */

const WIDTH = 48
const HEIGHT = 32
const RGB = Uint8Array.from(
  { length: WIDTH * HEIGHT * 3 },
  (_, i) => (i * 37 + Math.floor(i / 97) * 11) % 256,
)

interface TiffKind {
  photometric: number
  /** Colour bands first, one list of values a pixel. */
  bands: number
  extras?: number[]
  bits?: 8 | 16
  big?: boolean
  planes?: boolean
}

/** An uncompressed TIFF of one strip (one a band with `planes`); colour is RGB and every other band is 20 everywhere. */
function tiff({ photometric, bands, extras, bits = 8, big = false, planes = false }: TiffKind): Buffer {
  const bytes = bits / 8
  const colours = photometric === 2 ? 3 : 1
  const sample = (pixel: number, band: number) => (band < colours ? RGB[pixel * 3 + band]! : 20)
  const pixels = WIDTH * HEIGHT
  const data = Buffer.alloc(pixels * bands * bytes)
  const short = (value: number, at: number, buffer: Buffer) =>
    big ? buffer.writeUInt16BE(value, at) : buffer.writeUInt16LE(value, at)
  const long = (value: number, at: number, buffer: Buffer) =>
    big ? buffer.writeUInt32BE(value, at) : buffer.writeUInt32LE(value, at)
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let band = 0; band < bands; band++) {
      const place = (planes ? band * pixels + pixel : pixel * bands + band) * bytes
      if (bits === 8) {
        data[place] = sample(pixel, band)
      } else {
        short(sample(pixel, band) * 257, place, data)
      }
    }
  }
  const start = 8
  const strips = planes ? Array.from({ length: bands }, (_, i) => start + i * pixels * bytes) : [start]
  const tags: [tag: number, type: 3 | 4, values: number[]][] = [
    [256, 3, [WIDTH]],
    [257, 3, [HEIGHT]],
    [258, 3, Array(bands).fill(bits)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, strips],
    [277, 3, [bands]],
    [278, 3, [HEIGHT]],
    [279, 4, strips.map(() => data.length / strips.length)],
    [284, 3, [planes ? 2 : 1]],
    ...(extras === undefined ? [] : [[338, 3, extras] as [number, 3, number[]]]),
  ]
  const directory = Buffer.alloc(2 + tags.length * 12 + 4)
  const more: Buffer[] = []
  let free = start + data.length + directory.length
  short(tags.length, 0, directory)
  tags.forEach(([tag, type, values], i) => {
    const at = 2 + i * 12
    const size = type === 3 ? 2 : 4
    short(tag, at, directory)
    short(type, at + 2, directory)
    long(values.length, at + 4, directory)
    const packed = Buffer.alloc(Math.max(4, values.length * size))
    for (const [place, value] of values.entries()) {
      ;(type === 3 ? short : long)(value, place * size, packed)
    }
    if (values.length * size <= 4) {
      packed.copy(directory, at + 8)
    } else {
      long(free, at + 8, directory)
      more.push(packed)
      free += packed.length
    }
  })
  const head = Buffer.alloc(8)
  head.write(big ? 'MM' : 'II', 'latin1')
  short(42, 2, head)
  long(start + data.length, 4, head)
  return Buffer.concat([head, data, directory, ...more])
}

const decoded = async (bytes: Uint8Array) => (await decodeImage(bytes)).pixels

describe('a TIFF with bands beyond colour', () => {
  it.each<[string, TiffKind]>([
    ['near infrared, said to be nothing', { photometric: 2, bands: 4, extras: [0] }],
    ['near infrared, of which nothing is said', { photometric: 2, bands: 4 }],
    ['near infrared, 16 bit', { photometric: 2, bands: 4, extras: [0], bits: 16 }],
    ['near infrared, big end first', { photometric: 2, bands: 4, extras: [0], big: true, bits: 16 }],
    ['near infrared, band by band', { photometric: 2, bands: 4, extras: [0], planes: true }],
    ['five bands', { photometric: 2, bands: 5, extras: [0, 0] }],
    ['five bands, of which nothing is said', { photometric: 2, bands: 5 }],
    ['five bands, 16 bit', { photometric: 2, bands: 5, extras: [0, 0], bits: 16 }],
    ['transparency and a mask', { photometric: 2, bands: 5, extras: [2, 0] }],
    ['thirteen bands', { photometric: 2, bands: 13, extras: Array(10).fill(0) }],
  ])('shows its colours as they are: %s', async (_, kind) => {
    const { data } = await decoded(tiff(kind))
    expect(data.length).toBe(RGB.length)
    expect(Math.max(...data.map((value, i) => Math.abs(value - RGB[i]!)))).toBeLessThanOrEqual(1)
  })

  it.each<[string, TiffKind]>([
    ['one', { photometric: 1, bands: 2, extras: [0] }],
    ['two', { photometric: 1, bands: 3, extras: [0, 0] }],
  ])('shows its grey as it is: %s more', async (_, kind) => {
    const { data } = await decoded(tiff(kind))
    expect([...data.subarray(0, 6)]).toEqual([RGB[0], RGB[0], RGB[0], RGB[3], RGB[3], RGB[3]])
  })

  it('keeps its colours where it is made smaller', async () => {
    const shrinkTo = { width: 4, height: 4 }
    const { pixels } = await decodeImage(tiff({ photometric: 2, bands: 4, extras: [0] }), { shrinkTo })
    const plain = await decodeImage(tiff({ photometric: 2, bands: 3 }))
    const mean = (data: Uint8Array) => data.reduce((sum, value) => sum + value, 0) / data.length
    expect(Math.abs(mean(pixels.data) - mean(plain.pixels.data))).toBeLessThan(2)
  })

  it('is laid on black through what it says is transparency', async () => {
    const { data } = await decoded(tiff({ photometric: 2, bands: 4, extras: [2] }))
    const shown = RGB.map((value) => Math.round((value * 20) / 255))
    expect(Math.max(...data.map((value, i) => Math.abs(value - shown[i]!)))).toBeLessThanOrEqual(1)
  })

  it('never makes the header reader throw', () => {
    const bytes = tiff({ photometric: 2, bands: 5, extras: [0, 0] })
    let state = 7
    for (let round = 0; round < 5_000; round++) {
      const copy = Buffer.from(bytes.subarray(0, 8 + (round % bytes.length)))
      for (let flip = 0; flip < 4; flip++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        copy[state % copy.length] = state >>> 24
      }
      tiffHeader(copy, 100)
    }
  })
})

describe('a JPEG without its end marker', () => {
  const whole = (options: JpegOptions = {}, exif = false) => {
    const picture = sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    return (exif ? picture.withExif({ IFD0: { Copyright: '\u00ff\u00d9 and \u00ff\u00da' } }) : picture)
      .jpeg(options)
      .toBuffer()
  }

  it.each<[string, JpegOptions, boolean]>([
    ['baseline', {}, false],
    ['progressive', { progressive: true }, false],
    ['4:4:4', { chromaSubsampling: '4:4:4' }, false],
    ['with metadata', {}, true],
  ])('is whole where only that is missing: %s', async (_, options, exif) => {
    const bytes = await whole(options, exif)
    const { data } = await decoded(bytes)
    expect(await decoded(bytes.subarray(0, -2)).then((pixels) => pixels.data)).toEqual(data)
    expect(await decoded(bytes.subarray(0, -1)).then((pixels) => pixels.data)).toEqual(data)
    const shrinkTo = { width: 8, height: 8 }
    expect((await decodeImage(bytes.subarray(0, -2), { shrinkTo })).size).toEqual({
      width: WIDTH,
      height: HEIGHT,
    })
  })

  it.each([12, 40, 200])('is cut short where %i bytes of the picture are missing too', async (missing) => {
    const bytes = await whole({ quality: 95 })
    await expect(decodeImage(bytes.subarray(0, -2 - missing))).rejects.toMatchObject({
      code: 'IMAGE_TRUNCATED',
    })
  })
})

describe('work that is not begun', () => {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length)
    body.copy(out, 4)
    out.writeUInt32BE(crc(body), out.length - 4)
    return out
  }
  const crc = (bytes: Uint8Array): number => {
    let value = ~0
    for (const byte of bytes) {
      value ^= byte
      for (let bit = 0; bit < 8; bit++) {
        value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
      }
    }
    return ~value >>> 0
  }
  /** Grey, all black. */
  const png = (width: number, height: number, rows = height): Buffer => {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(width)
    header.writeUInt32BE(height, 4)
    header[8] = 8
    const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
    const data = deflateSync(Buffer.alloc((width + 1) * rows))
    return Buffer.concat([
      signature,
      chunk('IHDR', header),
      chunk('IDAT', data),
      chunk('IEND', Buffer.alloc(0)),
    ])
  }

  it.each([
    [1, 60_000_000],
    [60_000_000, 1],
    [2, 131_073],
  ])('refuses a PNG of %i × %i', async (width, height) => {
    const error = await decodeImage(png(width, height, 1)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: `Expected at most 131072 pixels along an edge of a picture but received ${width} × ${height}.`,
    })
  })

  it('takes a panorama as long as an edge may be', async () => {
    expect((await decodeImage(png(131_072, 2))).size).toEqual({ width: 131_072, height: 2 })
  })

  it('refuses a JPEG with more scans than any encoder writes for its size', async () => {
    const large = await sharp({ create: { width: 6_000, height: 6_000, channels: 3, background: '#123' } })
      .jpeg({ progressive: true })
      .toBuffer()
    expect((await decodeImage(large, { shrinkTo: { width: 64, height: 64 } })).size.width).toBe(6_000)
    const scan = Buffer.from('\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00', 'latin1')
    const bomb = Buffer.concat([large.subarray(0, -2), ...Array(80).fill(scan), large.subarray(-2)])
    await expect(decodeImage(bomb)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('scans'),
    })
  })

  it('refuses a TIFF of more pages than a scanner fills', async () => {
    const bytes = tiff({ photometric: 2, bands: 3 })
    const at = bytes.readUInt32LE(4)
    const directory = bytes.subarray(at, at + 2 + bytes.readUInt16LE(at) * 12)
    const pages: Buffer[] = [bytes]
    let end = bytes.length
    let next = at + directory.length
    const link = Buffer.alloc(4)
    for (let page = 0; page < 10_001; page++) {
      link.writeUInt32LE(end)
      link.copy(page === 0 ? bytes : pages[page]!, page === 0 ? next : directory.length)
      pages.push(Buffer.concat([directory, Buffer.alloc(4)]))
      end += directory.length + 4
      next = directory.length
    }
    await expect(decodeImage(Buffer.concat(pages))).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('pages'),
    })
  })

  it('refuses drawings, and says what to do', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    await expect(decodeImage(svg)).rejects.toMatchObject({
      code: 'IMAGE_FORMAT',
      message: 'Expected a JPEG, PNG, WebP, AVIF, GIF or TIFF picture but received SVG.',
      hint: expect.stringContaining('PNG'),
    })
  })
})
