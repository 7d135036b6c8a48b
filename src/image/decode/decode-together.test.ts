import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import { decodeImage } from './decode.ts'

const BAD = [
  'broken/truncated-50pct.jpg',
  'broken/truncated-3-bytes-short.jpg',
  'broken/corrupt-scan.jpg',
  'broken/real-truncated.jpg',
]
const GOOD = [
  'formats/jpeg-baseline.jpg',
  'broken/garbage-tail.jpg',
  'formats/jpeg-cmyk.jpg',
  'orientation/exif-6.jpg',
]

describe.skipIf(!hasCorpus)('decoding many pictures at once', () => {
  it('never takes a damaged picture for a sound one, nor a sound one for damaged', async () => {
    const bad = BAD.map((name) => corpusBytes(`images/${name}`))
    const good = GOOD.map((name) => corpusBytes(`images/${name}`))
    for (let round = 0; round < 15; round++) {
      const [failed, decoded] = await Promise.all([
        Promise.allSettled(bad.map((bytes) => decodeImage(bytes))),
        Promise.allSettled(good.map((bytes) => decodeImage(bytes))),
      ])
      expect(failed.map(({ status }) => status)).toEqual(BAD.map(() => 'rejected'))
      expect(decoded.map(({ status }) => status)).toEqual(GOOD.map(() => 'fulfilled'))
    }
  })
})
