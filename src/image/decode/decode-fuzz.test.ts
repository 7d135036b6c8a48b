import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import { BoxletError } from '../../errors.ts'
import { sniff } from '../../system/sniff.ts'
import { decodeImage } from './decode.ts'
import { jpegHeader } from './jpeg-header.ts'

const FILES = [
  'formats/jpeg-baseline.jpg',
  'formats/jpeg-progressive.jpg',
  'formats/jpeg-cmyk.jpg',
  'orientation/exif-6.jpg',
  'formats/png-gray-alpha.png',
  'formats/png-palette.png',
  'formats/webp-lossless.webp',
  'formats/webp-animated.webp',
  'formats/gif-animated.gif',
  'formats/tiff-lzw-16bit.tiff',
  'formats/tiff-2-pages.tiff',
  'formats/avif-10bit.avif',
  'formats/svg.svg',
]

/** A small fixed generator, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function damaged(bytes: Uint8Array, next: () => number): Uint8Array {
  const kind = next()
  if (kind < 0.3) {
    return bytes.slice(0, Math.floor(next() * bytes.length))
  }
  const copy = bytes.slice()
  // Headers are where a flip does most, so half of the flips go there.
  const reach = kind < 0.65 ? Math.min(512, copy.length) : copy.length
  const flips = 1 + Math.floor(next() * 8)
  for (let i = 0; i < flips; i++) {
    const at = Math.floor(next() * reach)
    copy[at] = copy[at]! ^ (1 << Math.floor(next() * 8))
  }
  return copy
}

/** Decodes or fails with one of our own errors; a crash or a hang ends the test run itself. */
async function expectHandled(bytes: Uint8Array, tolerant: boolean): Promise<void> {
  try {
    // A flipped size may declare far more pixels than there are; the limit keeps the loop quick.
    const { pixels, size } = await decodeImage(bytes, {
      tolerant,
      maxPixels: 4_000_000,
      ...(tolerant && { shrinkTo: { width: 32, height: 32 } }),
    })
    expect(pixels.data.length).toBe(pixels.width * pixels.height * 3)
    expect(size.width * size.height).toBeGreaterThan(0)
  } catch (error) {
    expect(error).toBeInstanceOf(BoxletError)
    expect((error as BoxletError).code).toMatch(/^IMAGE_/)
    expect((error as BoxletError).message).toMatch(/^Expected .+ but received .+\.$/)
  }
}

describe.skipIf(!hasCorpus)('damaged pictures', () => {
  for (const file of FILES) {
    it(`of ${file} decode or fail cleanly`, async () => {
      const bytes = corpusBytes(`images/${file}`)
      const next = random(bytes.length)
      for (let i = 0; i < 40; i++) {
        await expectHandled(damaged(bytes, next), i % 2 === 1)
      }
    })
  }

  it('never make the header reader throw or invent a size', () => {
    const bytes = corpusBytes('images/orientation/exif-6.jpg').slice(0, 2000)
    const next = random(6)
    expect(jpegHeader(bytes)?.upright).toEqual({ width: 426, height: 640 })
    for (let i = 0; i < 20_000; i++) {
      const header = jpegHeader(damaged(bytes, next))
      if (header !== undefined) {
        expect(header.upright.width * header.upright.height).toBeGreaterThan(0)
      }
    }
  })
})

describe('sniff', () => {
  const latin = (text: string) => Buffer.from(text, 'latin1')
  it.each([
    ['', 'no bytes'],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'HEIC'],
    ['\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf', 'AVIF'],
    ['\0\0\0\x18ftypmp42\0\0\0\0isommp42', 'MP4 or QuickTime video'],
    ['P6\n2 2\n255\n', 'PPM'],
    ['%PDF-1.7', 'PDF'],
    ['PK\x03\x04', 'ZIP archive'],
    ['  <!DOCTYPE HTML><p>', 'HTML page'],
    ['{"error":"no"}', 'JSON'],
    ['hello', 'text'],
    ['\n \n', 'blank text'],
    ['\xff\xfeh\0i\0', 'UTF-16 text'],
    ['\x01\x02\x03\x04', 'unknown binary data'],
    ['iVBORw0KGgoAAAANSUhEUg==', 'base64 text of a picture'],
    ['data:image/png;base64,AAAA', 'data URL'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:1', 'Git LFS pointer'],
    ['<?xml version="1.0"?><!-- <html> --><svg:svg xmlns:svg="a">', 'SVG'],
    ['<rss></rss>', 'XML'],
  ])('takes %j for %s', (text, name) => {
    expect(sniff(latin(text)).name).toBe(name)
  })
})
