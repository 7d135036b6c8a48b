/** A checkpoint of a training goes to Lambda as it is: packaged here, run under the emulated Lambda. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Detector } from '../../src/index.ts'
import { labelsOf, type Native, parse } from './events.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'

const GOLDEN = new URL('../../src/checkpoint/goldens/pyramid.pt.gz', import.meta.url)
/** Random weights are sure of nothing. */
const MIN_SCORE = 0.05

describe.skipIf(!canRunPackage)('a checkpoint', () => {
  let folder: string
  let model: string
  let packaged: Packaged
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-checkpoint-'))
    model = join(folder, 'best.pt')
    writeFileSync(model, gunzipSync(readFileSync(GOLDEN)))
    packaged = await packageFunction({ model, acceptedLicences: ['AGPL-3.0'] })
  }, 240_000)
  afterAll(async () => {
    await packaged?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is refused until its licence is accepted', async () => {
    await expect(packageFunction({ model })).rejects.toThrow('AGPL-3.0')
  })

  it('detects on Lambda what it detects here', async () => {
    const host = await packaged.open()
    const sent = { image: picture.toString('base64'), minScore: MIN_SCORE }
    const answer = parse<Native>((await host.invoke(sent)).payload)
    await using detector = await Detector.load(model)
    const here = await detector.detect(picture, { minScore: MIN_SCORE })
    expect(answer.model.name).toBe('best')
    expect(here.detections.length).toBeGreaterThan(0)
    expect(labelsOf(answer)).toEqual(here.detections.map(({ label }) => label))
    for (const [i, { box }] of answer.images[0]!.detections.entries()) {
      const { x1, y1, x2, y2 } = here.detections[i]!.box
      for (const [j, edge] of [x1, y1, x2, y2].entries()) {
        expect(box[j]).toBeCloseTo(edge, 1)
      }
    }
  })
})
