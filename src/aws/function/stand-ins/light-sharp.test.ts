import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp, type SharpOptions } from 'sharp'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../../../test/support/corpus.ts'
import { loadSharp } from './light-sharp.ts'

const loads = vi.hoisted(() => ({ count: 0 }))
vi.mock('../../../image/decode/load-sharp.ts', async (original) => {
  const { loadSharp } = await original<typeof import('../../../image/decode/load-sharp.ts')>()
  return {
    loadSharp: () => {
      loads.count++
      return loadSharp()
    },
  }
})
beforeEach(() => {
  loads.count = 0
})

const SETTINGS: SharpOptions = {
  autoOrient: true,
  ignoreIcc: true,
  limitInputPixels: 2 ** 25,
  failOn: 'warning',
}
const light = (await loadSharp()) as unknown as typeof sharp

const plain = (picture: Sharp): Sharp =>
  picture
    .timeout({ seconds: 30 })
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })

/** Pixels or the fault, in a form that can be compared. */
async function outcome(picture: Sharp): Promise<unknown> {
  try {
    const { data, info } = await picture.toBuffer({ resolveWithObject: true })
    return {
      pixels: data.toString('base64'),
      width: info.width,
      height: info.height,
      channels: info.channels,
    }
  } catch (error) {
    return (error as Error).message
  }
}

const files = hasCorpus
  ? readdirSync(corpusPath('images'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(json|md|svg)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(corpusPath('images').length + 1))
      .sort()
  : []

describe.skipIf(!hasCorpus)('the pipelines that a package hands to the native library', () => {
  for (const file of files) {
    it(`give what sharp gives for ${file}`, async () => {
      const bytes = Buffer.from(corpusBytes(`images/${file}`))
      if (bytes.length === 0) {
        return
      }
      for (const settings of [SETTINGS, { ...SETTINGS, ignoreIcc: false, failOn: 'none' as const }]) {
        expect(await outcome(plain(light(bytes, settings)))).toEqual(
          await outcome(plain(sharp(bytes, settings))),
        )
        const small = { width: 61, height: 47, fit: 'fill', kernel: 'linear' } as const
        expect(await outcome(plain(light(bytes, settings).resize(small)))).toEqual(
          await outcome(plain(sharp(bytes, settings).resize(small))),
        )
      }
      const headers = (picture: Sharp): Promise<unknown> =>
        picture.metadata().catch((error: Error) => error.message)
      const unlimited = { ...SETTINGS, limitInputPixels: false }
      expect(await headers(light(bytes, unlimited))).toEqual(await headers(sharp(bytes, unlimited)))
      expect(loads.count).toBe(0)
    })
  }
})

it('leaves what is not one of them to sharp', async () => {
  const bytes = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#f008' } })
    .png()
    .toBuffer()
  // As a TIFF with more bands than colours is decoded: nothing is laid on black.
  const bands = (picture: Sharp): Promise<unknown> =>
    outcome(picture.timeout({ seconds: 30 }).toColourspace('srgb').raw({ depth: 'uchar' }))
  expect(await bands(light(bytes, SETTINGS))).toEqual(await bands(sharp(bytes, SETTINGS)))
  expect(loads.count).toBe(1)
})
