import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { BoxletError } from '../../errors.ts'
import { sniff } from '../../system/sniff.ts'
import { decodeImage } from './decode.ts'
import { jpegHeader } from './jpeg-header.ts'

/** Mutations of each picture; thousands in the long run, `npm run soak -- pictures`. */
const ROUNDS = Number(process.env.BOXLET_TEST_SOAK ?? 12)
/** What one picture may take at most in the long run, where nothing else uses the machine's time. */
const MOST_MS = 5_000
const MOST_BYTES = 2 ** 30

/** One small picture of every kind that is decoded, by code, so that a clone without the corpus tests them all. */
async function pictures(): Promise<[string, Uint8Array][]> {
  const next = random(3)
  const noise = Uint8Array.from({ length: 90 * 70 * 4 }, (_, i) => (i % 7) * 30 + next() * 40)
  const four = sharp(noise, { raw: { width: 90, height: 70, channels: 4 } })
  const three = () => four.clone().removeAlpha()
  const frames = sharp(noise, { raw: { width: 90, height: 70, channels: 4, pageHeight: 35 } })
  const made: [string, Promise<Uint8Array>][] = [
    ['JPEG', three().jpeg().toBuffer()],
    [
      'progressive JPEG, turned',
      three().withMetadata({ orientation: 6 }).jpeg({ progressive: true }).toBuffer(),
    ],
    ['grey JPEG', three().greyscale().jpeg().toBuffer()],
    ['CMYK JPEG', three().toColourspace('cmyk').jpeg().toBuffer()],
    ['PNG', four.clone().png().toBuffer()],
    ['interlaced PNG', three().png({ progressive: true }).toBuffer()],
    ['PNG with a palette', three().png({ palette: true }).toBuffer()],
    ['PNG of 16 bit', three().toColourspace('rgb16').png().toBuffer()],
    ['WebP', four.clone().webp().toBuffer()],
    ['lossless WebP', three().webp({ lossless: true }).toBuffer()],
    ['animated WebP', frames.clone().webp().toBuffer()],
    ['GIF', three().gif().toBuffer()],
    ['animated GIF', frames.clone().gif().toBuffer()],
    ['TIFF', three().tiff({ compression: 'none' }).toBuffer()],
    ['TIFF with LZW', four.clone().tiff({ compression: 'lzw' }).toBuffer()],
    [
      'TIFF in tiles',
      three().tiff({ compression: 'deflate', tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
    ],
    ['AVIF', three().avif({ effort: 0 }).toBuffer()],
  ]
  return Promise.all(made.map(async ([name, bytes]) => [name, await bytes] as [string, Uint8Array]))
}

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
  if (kind < 0.4) {
    return declareLarge(copy, next)
  }
  // Headers are where a flip does most, so half of the flips go there.
  const reach = kind < 0.65 ? Math.min(512, copy.length) : copy.length
  const flips = 1 + Math.floor(next() * 8)
  for (let i = 0; i < flips; i++) {
    const at = Math.floor(next() * reach)
    copy[at] = copy[at]! ^ (1 << Math.floor(next() * 8))
  }
  return copy
}

/** Writes large numbers over a field somewhere in the headers: sizes, counts, offsets and lengths are among them. */
function declareLarge(bytes: Uint8Array, next: () => number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = Math.floor(next() * Math.min(400, bytes.length - 4))
  const value = [0, 1, 0xff, 0xffff, 0x2710, 0x7fffffff, 0xffffffff, 2 ** Math.floor(next() * 32)][
    Math.floor(next() * 8)
  ]!
  if (next() < 0.5) {
    view.setUint16(at, value & 0xffff, next() < 0.5)
  } else {
    view.setUint32(at, value, next() < 0.5)
  }
  return bytes
}

/** Decodes or fails with one of our own errors; a crash or a hang ends the test run itself. */
async function expectHandled(bytes: Uint8Array, tolerant: boolean): Promise<void> {
  const start = performance.now()
  try {
    const { pixels, size } = await decodeImage(bytes, {
      tolerant,
      ...(tolerant && { shrinkTo: { width: 32, height: 32 } }),
    })
    expect(pixels.data.length).toBe(pixels.width * pixels.height * 3)
    expect(size.width * size.height).toBeGreaterThan(0)
  } catch (error) {
    expect(error).toBeInstanceOf(BoxletError)
    expect((error as BoxletError).code).toMatch(/^IMAGE_/)
    expect((error as BoxletError).message).toMatch(/^Expected .+\.$/)
  }
  if (process.env.BOXLET_TEST_SOAK !== undefined) {
    expect(performance.now() - start).toBeLessThan(MOST_MS)
    expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(MOST_BYTES)
  }
}

describe('damaged pictures', () => {
  it('decode or fail cleanly', { timeout: 3_600_000 }, async () => {
    for (const [name, bytes] of await pictures()) {
      const next = random(bytes.length)
      for (let i = 0; i < ROUNDS; i++) {
        await expectHandled(damaged(bytes, next), i % 2 === 1).catch((error: Error) => {
          throw new Error(`${name}, mutation ${i}: ${error.message}`, { cause: error })
        })
      }
    }
  })

  it('never make the header reader throw or invent a size', async () => {
    const [, [, bytes]] = (await pictures()) as [never, [string, Uint8Array]]
    const next = random(6)
    expect(jpegHeader(bytes)?.upright).toEqual({ width: 70, height: 90 })
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
