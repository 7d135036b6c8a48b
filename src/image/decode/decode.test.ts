import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import { BoxletError, type ErrorCode } from '../../errors.ts'
import { type DecodedImage, type DecodeOptions, decodeImage } from './decode.ts'

interface Entry {
  file: string
  expected: {
    status: 'ok' | 'either' | 'unsupported' | 'limit' | 'error'
    width: number
    height: number
    format: string
  }
  scene?: string
  meanAbsDiffToScene?: number
}

const entries: Entry[] = hasCorpus
  ? (JSON.parse(new TextDecoder().decode(corpusBytes('images/manifest.json'))) as { files: Entry[] }).files
  : []
const read = (file: string) => corpusBytes(`images/${file}`)

async function failure(bytes: Uint8Array, options?: DecodeOptions): Promise<BoxletError> {
  const error = await decodeImage(bytes, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BoxletError)
  return error as BoxletError
}

/** The grammar of messages, and nothing in them of the decoder's own words or of any path. */
function expectCivil(error: BoxletError): void {
  expect(error.message).toMatch(/^Expected .+ but received .+\.$/)
  expect(error.hint).toMatch(/^[A-Z].+\.$/)
  expect(JSON.stringify(error)).not.toMatch(/vips|libpng|glib|seek|\/(etc|home|tmp|usr)\b|node_modules/i)
}

function expectUpright(image: DecodedImage, { expected }: Entry): void {
  expect(image.size).toEqual({ width: expected.width, height: expected.height })
  expect(image.pixels.width).toBe(expected.width)
  expect(image.pixels.data.length).toBe(expected.width * expected.height * 3)
}

const CODES: Record<string, ErrorCode[]> = {
  unsupported: ['IMAGE_FORMAT'],
  limit: ['IMAGE_TOO_LARGE'],
  error: ['IMAGE_EMPTY', 'IMAGE_FORMAT', 'IMAGE_TRUNCATED', 'IMAGE_CORRUPT'],
  either: ['IMAGE_TRUNCATED', 'IMAGE_CORRUPT'],
}

describe.skipIf(!hasCorpus)('decodeImage on every picture of the corpus', () => {
  for (const entry of entries) {
    const { format } = entry.expected
    // The manifest knows what the image library decodes; drawings are refused, and HEIC has a test of its own.
    const status = format === 'svg' ? 'unsupported' : entry.expected.status
    if (entry.file.endsWith('.heic')) {
      continue
    }
    it(`treats ${entry.file} as ${status}`, async () => {
      const bytes = read(entry.file)
      if (status === 'ok') {
        const image = await decodeImage(bytes)
        expectUpright(image, entry)
        // The manifest names the container of AVIF.
        expect(image.format).toBe(format === 'heif' ? 'avif' : format)
        return
      }
      const error = await failure(bytes)
      expect(CODES[status]).toContain(error.code)
      expectCivil(error)
      if (status === 'either') {
        expectUpright(await decodeImage(bytes, { tolerant: true }), entry)
      } else {
        expect(CODES[status]).toContain((await failure(bytes, { tolerant: true })).code)
      }
    })
  }
})

const scenes = entries.filter((entry) => entry.meanAbsDiffToScene !== undefined)
const references: Record<string, string> = {
  elephant: 'formats/jpeg-baseline.jpg',
  landscape: 'orientation/landscape-1.jpg',
}

describe.skipIf(!hasCorpus)('decodeImage shows the same upright scene', () => {
  for (const entry of scenes.filter(({ expected }) => expected.status === 'ok')) {
    it(`in ${entry.file}`, async () => {
      const reference = read(references[entry.scene!]!)
      const exact = await difference(reference, read(entry.file), 'apply')
      expect(exact).toBeCloseTo(entry.meanAbsDiffToScene!, 1)
      // Stored values: seven of the landscapes were saved in another colour space, which shifts every pixel by
      // 10; a wrong orientation would shift them by 60.
      const stored = await difference(reference, read(entry.file), 'ignore')
      expect(stored).toBeLessThan(entry.meanAbsDiffToScene! + 10)
    })
  }
})

async function difference(a: Uint8Array, b: Uint8Array, colourProfile: 'apply' | 'ignore'): Promise<number> {
  const [one, other] = await Promise.all([a, b].map((bytes) => decodeImage(bytes, { colourProfile })))
  const left = one!.pixels.data
  const right = other!.pixels.data
  expect(right.length).toBe(left.length)
  return left.reduce((sum, value, i) => sum + Math.abs(value - right[i]!), 0) / left.length
}

describe.skipIf(!hasCorpus)('decodeImage within limits', () => {
  it('refuses the 100-megapixel bomb where a service sets less, and says both numbers', async () => {
    const error = await failure(read('sizes/bomb-100mp.png'), { maxPixels: 50_000_000 })
    expect(error.code).toBe('IMAGE_TOO_LARGE')
    expect(error.message).toBe('Expected at most 50000000 pixels for a picture but received 10000 × 10000.')
    expect(error.details).toEqual({ maxPixels: 50_000_000, width: 10_000, height: 10_000 })
  })

  it('refuses bombs without the memory that they ask for', async () => {
    await failure(read('sizes/bomb-400mp.png'))
    const before = process.memoryUsage().rss
    for (const file of [
      'sizes/bomb-400mp.png',
      'broken/lying-header-65500x65500.jpg',
      'broken/svg-huge.svg',
    ]) {
      for (let i = 0; i < 5; i++) {
        await failure(read(file))
      }
    }
    // 400 megapixels are 1.2 GB.
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
  })

  it('reads a large PNG at reduced size without holding it whole', async () => {
    const before = process.memoryUsage().rss
    const { pixels, size } = await decodeImage(read('sizes/bomb-100mp.png'), {
      shrinkTo: { width: 640, height: 640 },
    })
    expect(size).toEqual({ width: 10_000, height: 10_000 })
    expect(pixels.width).toBe(960)
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20)
  })

  it('takes no number for "no limit" by accident', async () => {
    const bytes = read('sizes/7x5.png')
    for (const maxPixels of [0, -1, Number.NaN]) {
      expect((await failure(bytes, { maxPixels })).code).toBe('USAGE')
    }
    for (const maxPixels of [35, 35.9, Number.POSITIVE_INFINITY]) {
      expect((await decodeImage(bytes, { maxPixels })).size).toEqual({ width: 7, height: 5 })
    }
    expect((await failure(bytes, { maxPixels: 34 })).code).toBe('IMAGE_TOO_LARGE')
  })

  it('refuses more bytes than allowed', async () => {
    const error = await failure(read('scenes/bus.jpg'), { maxBytes: 1000 })
    expect(error.code).toBe('IMAGE_TOO_LARGE')
    expectCivil(error)
  })

  it('refuses a format that the caller does not accept, and lists those that it does', async () => {
    const error = await failure(read('formats/svg.svg'), { formats: ['jpeg', 'png'] })
    expect(error.message).toBe('Expected a JPEG or PNG picture but received SVG.')
  })

  it('stops when cancelled', async () => {
    const error = await failure(read('scenes/bus.jpg'), { signal: AbortSignal.abort() })
    expect(error.code).toBe('ABORTED')
    const controller = new AbortController()
    const pending = failure(read('scenes/bus.jpg'), { signal: controller.signal })
    controller.abort()
    expect((await pending).code).toBe('ABORTED')
  })
})

describe.skipIf(!hasCorpus)('decodeImage with shrinkTo', () => {
  it('gives a copy of at least 1.5 times the pixels wanted, of the same picture', async () => {
    const bytes = read('sizes/photo-13mp.jpg')
    const wanted = { width: 640, height: 512 }
    const { pixels, size } = await decodeImage(bytes, { shrinkTo: () => wanted })
    expect(size).toEqual({ width: 4070, height: 3256 })
    expect(pixels.width).toBeGreaterThanOrEqual(960)
    expect(pixels.width).toBeLessThan(2000)
    const whole = await sharp(bytes, { ignoreIcc: true }).resize(64, 51, { fit: 'fill' }).raw().toBuffer()
    const { width, height } = pixels
    const raw = { width, height, channels: 3 as const }
    const copy = await sharp(pixels.data, { raw }).resize(64, 51, { fit: 'fill' }).raw().toBuffer()
    expect(whole.reduce((sum, value, i) => sum + Math.abs(value - copy[i]!), 0) / whole.length).toBeLessThan(
      1.5,
    )
  })

  it('calls with the upright size', async () => {
    const seen: unknown[] = []
    const shrinkTo = (size: object) => {
      seen.push({ ...size })
      return { width: 10, height: 10 }
    }
    for (const file of ['exif-6.jpg', 'exif-6.webp', 'exif-8.png']) {
      const { pixels, size } = await decodeImage(read(`orientation/${file}`), { shrinkTo })
      expect(size).toEqual({ width: 426, height: 640 })
      expect([pixels.width, pixels.height]).toEqual([15, 23])
    }
    expect(seen).toEqual(Array(3).fill({ width: 426, height: 640 }))
  })

  it('leaves pictures of ordinary size whole', async () => {
    const { pixels } = await decodeImage(read('scenes/zidane.jpg'), { shrinkTo: { width: 640, height: 360 } })
    expect(pixels.width).toBe(1280)
  })
})

describe('decodeImage on made pictures', () => {
  const flat = (width: number, height: number, background: object) =>
    sharp({
      create: { width, height, channels: 4, background: background as { r: number; g: number; b: number } },
    })

  it('lays transparency on black', async () => {
    const clear = await flat(2, 2, { r: 200, g: 10, b: 10, alpha: 0 }).png().toBuffer()
    expect([...(await decodeImage(clear)).pixels.data]).toEqual(Array(12).fill(0))
  })

  it('cuts 16 bit to 8 and spreads grey over three channels', async () => {
    const grey = await sharp(Buffer.from([0, 64, 128, 255]), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('grey16')
      .png({ palette: false })
      .toBuffer()
    const { data } = (await decodeImage(grey)).pixels
    expect([...data]).toEqual([0, 0, 0, 64, 64, 64, 128, 128, 128, 255, 255, 255])
  })

  it('shows a JPEG with a few stray bytes between its segments', async () => {
    const jpeg = await flat(16, 16, { r: 200, g: 10, b: 10, alpha: 1 }).jpeg().toBuffer()
    const stray = Buffer.concat([jpeg.subarray(0, -2), Buffer.from([0x12, 0x34]), jpeg.subarray(-2)])
    expect((await decodeImage(stray)).size).toEqual({ width: 16, height: 16 })
  })
})
