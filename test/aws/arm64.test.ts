import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import type { Architecture } from '../../src/aws/package/architecture.ts'
import { buildPackage, writePackage } from '../../src/aws/package/build-package.ts'
import type { NativeDetection } from '../../src/formats/native.ts'
import { boxlet } from '../support/boxlet.ts'
import { tinyYolov8 } from '../support/yolov8-head.ts'
import { parse } from './events.ts'
import { arm64Nodes } from './tools.ts'

/** A grey ramp, so that cells differ. */
const PICTURE = Buffer.from(
  `P6 64 48 255\n${Array.from({ length: 64 * 48 }, (_, i) => String.fromCharCode(...Array(3).fill((i * 7) % 128))).join('')}`,
  'latin1',
)

describe.skipIf(arm64Nodes === undefined)('the arm64 package on an arm64 Node', () => {
  let folder: string
  let image: string
  const zips: Partial<Record<Architecture, string>> = {}
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-arm64-'))
    const model = join(folder, 'tiny.onnx')
    writeFileSync(model, tinyYolov8({ parts: 'split', sides: 'split', half: 'div' }))
    for (const arch of ['arm64', 'x86_64'] as const) {
      const built = await buildPackage({
        arch,
        model,
        acceptedLicences: [],
        env: process.env,
        signal: new AbortController().signal,
      })
      zips[arch] = (await writePackage(built, join(folder, arch)))[0]!
    }
    const { default: sharp } = await import('sharp')
    const raw = { width: 64, height: 48, channels: 3 } as const
    const png = await sharp(PICTURE.subarray(-64 * 48 * 3), { raw })
      .png()
      .toBuffer()
    image = png.toString('base64')
  }, 600_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function detected(arch: Architecture, node?: string): Promise<NativeDetection[]> {
    const host = await LambdaHost.open({
      zip: zips[arch]!,
      memoryMb: 1769,
      timeoutMs: 300_000,
      environment: { BOXLET_AUTH: 'iam' },
      ...(node === undefined ? {} : { node }),
    })
    try {
      const { payload, functionError } = await host.invoke({ image, minScore: 0.01, maxDetections: 20 })
      const answer = parse<{ images: { detections: NativeDetection[] }[] }>(payload)
      expect(functionError, JSON.stringify(answer)).toBeUndefined()
      return answer.images[0]!.detections
    } finally {
      await host.close()
    }
  }

  it.each(['bare', 'sys'] as const)(
    'finds what the x86-64 one finds, and the machine is %s',
    async (kind) => {
      const [expected, found] = [await detected('x86_64'), await detected('arm64', arm64Nodes![kind])]
      expect(expected.length).toBeGreaterThan(0)
      expect(found.map(({ label }) => label)).toEqual(expected.map(({ label }) => label))
      for (const [index, { score, box }] of found.entries()) {
        expect(score).toBeCloseTo(expected[index]!.score, 4)
        for (const [side, value] of box.entries()) {
          expect(value).toBeCloseTo(expected[index]!.box[side]!, 2)
        }
      }
    },
    600_000,
  )

  it('is refused by boxlet invoke without --node, and taken with it', async () => {
    const picture = join(folder, 'picture.png')
    writeFileSync(picture, Buffer.from(image, 'base64'))
    const call = ['invoke', '--zip', zips.arm64!, '--image', picture, '--timeout', '300']
    const refused = 'Expected a package for x86_64 but received one for arm64'
    expect((await boxlet(call)).err).toContain(refused)
    const { err } = await boxlet([...call, '--node', arm64Nodes!.bare])
    expect(err).not.toContain(refused)
    expect(err).toContain('REPORT RequestId')
  }, 600_000)
})
