import { describe, expect, it, vi } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import { decodeImage } from './decode.ts'
import { decodeHeic } from './heic.ts'

/** The start of a file as telephones write it; nothing can write a whole one here. */
const HEAD = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')

describe.skipIf(!hasCorpus)('a HEIC picture', () => {
  const bytes = hasCorpus ? corpusBytes('images/formats/heic.heic') : new Uint8Array()

  it('shows what the JPEG of the scene shows', async () => {
    const { pixels, size, format } = await decodeImage(bytes)
    const jpeg = await decodeImage(corpusBytes('images/formats/jpeg-baseline.jpg'))
    expect([format, size]).toEqual(['heic', jpeg.size])
    const apart = pixels.data.reduce((sum, value, i) => sum + Math.abs(value - jpeg.pixels.data[i]!), 0)
    expect(apart / pixels.data.length).toBeLessThan(6)
  })

  it('is refused by its size before it is decoded', async () => {
    await expect(decodeImage(bytes, { maxPixels: 1000 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'Expected at most 1000 pixels for a picture but received 426 × 640.',
    })
  })

  it('leaves the thread free, and ends with its caller', async () => {
    let turns = 0
    const clock = setInterval(() => turns++, 1)
    await decodeImage(bytes)
    clearInterval(clock)
    expect(turns).toBeGreaterThan(3)
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 5)
    await expect(decodeImage(bytes, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it.each([3_000, 50_000])('that ends after %i bytes is told so', async (length) => {
    await expect(decodeImage(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' })
  })

  it('with damaged bytes decodes or fails cleanly, and prints nothing', async () => {
    const printed = vi.spyOn(console, 'log')
    for (let round = 0; round < 30; round++) {
      const copy = Uint8Array.from(bytes)
      for (let flip = 0; flip < 6; flip++) {
        copy[(round * 7919 + flip * 104_729) % (flip % 2 === 0 ? 600 : copy.length)]! ^= 1 << (flip % 8)
      }
      await decodeHeic(copy, () => {}).catch((error: { code?: string }) =>
        expect(error.code).toMatch(/^IMAGE_/),
      )
    }
    expect(printed).not.toHaveBeenCalled()
  })
})

describe('damaged HEIC', () => {
  it('is told as such where a decoder is installed', async () => {
    await expect(decodeImage(HEAD)).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGE_(CORRUPT|TRUNCATED)$/),
    })
  })
})

describe('HEIC without a decoder', () => {
  it('is refused by name, with the ways out', async () => {
    vi.resetModules()
    // Without the package there is no thread for it either.
    vi.doMock('node:module', () => ({
      createRequire: () => ({
        resolve: () => {
          throw new Error('not installed')
        },
      }),
    }))
    vi.doMock('libheif-js/wasm-bundle.js', () => {
      throw new Error('not installed')
    })
    const { decodeImage: decodeWithout } = await import('./decode.ts')
    await expect(decodeWithout(HEAD)).rejects.toMatchObject({
      code: 'IMAGE_FORMAT',
      message: 'Expected a JPEG, PNG, WebP, AVIF, GIF or TIFF picture but received HEIC.',
      hint: expect.stringContaining('npm install libheif-js'),
    })
  })
})
