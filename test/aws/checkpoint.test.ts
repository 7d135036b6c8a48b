/** A checkpoint of a training goes to Lambda as it is: packaged here, run under the emulated Lambda, deployed to moto. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { Detector } from '../../src/index.ts'
import { ENDPOINT } from './cloudformation-wire.ts'
import { deployment } from './deployment.ts'
import { labelsOf, type Native, parse } from './events.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'
import { awsVariables } from './stacks.ts'
import { motoServer } from './tools.ts'

const GOLDEN = new URL('../../src/checkpoint/goldens/pyramid.pt.gz', import.meta.url)
const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')

function writtenModel(folder: string): string {
  const model = join(folder, 'best.pt')
  writeFileSync(model, gunzipSync(readFileSync(GOLDEN)))
  return model
}

/** Random weights are sure of nothing. */
const MIN_SCORE = 0.05

describe.skipIf(!canRunPackage)('a checkpoint', () => {
  let folder: string
  let model: string
  let packaged: Packaged
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-checkpoint-'))
    model = writtenModel(folder)
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

describe.skipIf(motoServer === undefined || hostArchitecture() === undefined)('boxlet deploy', () => {
  const aws = deployment()
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-checkpoint-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('takes a checkpoint as any other model, and detects with it', async () => {
    const child = spawn(
      process.execPath,
      [
        ...[BIN, 'deploy', '--model', writtenModel(folder), '--arch', hostArchitecture()!, '--yes'],
        ...['--memory', '1024', '--accept-licence', 'AGPL-3.0', '--stack', 'test'],
      ],
      {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, ...awsVariables(aws.front.endpoint) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    expect([code, out], err).toEqual([0, `${ENDPOINT}\n`])
    expect(err).toMatch(/"best.pt" became ONNX/)
    expect(err).toMatch(/best detects: first call \d+ ms, second call \d+ ms/)
  })
})
