import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import type { ModelManifest } from '../../src/aws/function/packaged-model.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { Detector } from '../../src/index.ts'
import { parseModel } from '../../src/onnx/read/parse.ts'
import { boxlet } from '../support/boxlet.ts'
import { TILE_LABELS, tileDetector, writeTiles } from '../support/tile-detector.ts'
import { type Native, parse } from './events.ts'
import { canRunPackage } from './packaged.ts'

describe.skipIf(!canRunPackage)('boxlet package --quantize', () => {
  let folder: string
  let pictures: string[]
  const at = (...parts: string[]) => join(folder, ...parts)
  /** The emulator keeps its own files where the system has them, so the other place is for the verb alone. */
  const run = async (...args: string[]) => {
    vi.stubEnv('TMPDIR', at('temporary'))
    try {
      return await boxlet(['package', '--arch', hostArchitecture()!, ...args], {
        env: { BOXLET_CACHE: at('cache') },
      })
    } finally {
      vi.unstubAllEnvs()
    }
  }
  const given = () => [
    '--labels',
    at('labels.json'),
    '--set',
    'input.colour=RGB',
    '--quantize',
    at('pictures'),
  ]

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-package-quantized-'))
    mkdirSync(at('temporary'))
    writeFileSync(at('tiles.onnx'), tileDetector())
    writeFileSync(at('loud.onnx'), tileDetector({ isLoud: true }))
    writeFileSync(at('labels.json'), JSON.stringify(TILE_LABELS))
    pictures = await writeTiles(at('pictures'), 8)
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('packages whole numbers under the name, labels and contract of the model, and they find the same', async () => {
    const { code, err } = await run('--model', at('tiles.onnx'), ...given(), '--out', at('build'))
    expect([code, err]).toEqual([0, expect.stringContaining('in whole numbers')])
    expect(readdirSync(at('temporary'))).toEqual([])
    const zip = at('build', `boxlet-${hostArchitecture()}.zip`)
    const files = unzipSync(readFileSync(zip), { filter: ({ name }) => name.startsWith('model/') })
    const manifest = JSON.parse(Buffer.from(files['model/manifest.json']!).toString()) as ModelManifest
    await using float = await Detector.load(at('tiles.onnx'), {
      labels: [...TILE_LABELS],
      contract: { input: { colour: 'RGB' } },
    })
    expect(manifest.info.name).toBe('tiles')
    expect(manifest.info.contract).toMatchObject({
      labels: TILE_LABELS,
      family: float.model.family,
      input: { colour: 'RGB' },
    })
    expect(manifest.bytes).toBeLessThan(readFileSync(at('tiles.onnx')).length / 2)
    const { nodes } = parseModel(files['model/model.onnx']!).graph
    expect(nodes.filter(({ op }) => op === 'QLinearConv').length).toBeGreaterThan(3)
    expect(nodes.some(({ domain }) => domain === 'com.microsoft.nchwc')).toBe(false)
    const host = await LambdaHost.open({ zip, memoryMb: 1769, environment: { BOXLET_AUTH: 'iam' } })
    try {
      const found = []
      for (const path of pictures) {
        const bytes = readFileSync(path)
        const answer = parse<Native>((await host.invoke({ image: bytes.toString('base64') })).payload)
        const expected = (await float.detect(bytes)).detections.map(({ label, box }) => ({
          label,
          box: [box.x1, box.y1, box.x2, box.y2],
        }))
        const ours = answer.images[0]!.detections
        expect(places(ours)).toEqual(places(expected))
        found.push(...ours.map(({ label }) => label))
      }
      expect(new Set(found)).toEqual(new Set(TILE_LABELS))
    } finally {
      await host.close()
    }
  })

  it.each([
    [
      'the file would not be the same detector',
      'loud.onnx',
      'pictures',
      /No way of quantizing kept the detector|gains nothing/,
    ],
    ['there are no pictures', 'tiles.onnx', 'temporary', /there are none/],
  ])('leaves nothing where %s', async (_name, model, data, message) => {
    const { code, out, err } = await run('--model', at(model), '--quantize', at(data), '--out', at('refused'))
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(message)
    expect(existsSync(at('refused'))).toBe(false)
    expect(readdirSync(at('temporary'))).toEqual([])
  })

  it('needs a model', async () => {
    const { code, err } = await run('--model', 'none', '--quantize', at('pictures'), '--out', at('refused'))
    expect([code, err]).toEqual([2, expect.stringContaining('a model for --quantize')])
  })
})

/** What was found where, to the pixel, without the order that scores give. */
const places = (found: readonly { label: string; box: readonly number[] }[]): string[] =>
  found.map(({ label, box }) => [label, ...box.map(Math.round)].join(' ')).sort()
