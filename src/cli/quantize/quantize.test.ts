import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel } from '../../../test/support/onnx-graph.ts'
import { tinyYolox, writeShapes } from '../../../test/support/tiny-yolox.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-quantize-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const model = join(folder, 'tiny.onnx')
const stranger = join(folder, 'stranger.onnx')
const pictures = join(folder, 'shapes', 'images', 'all')
const env = { BOXLET_CACHE: join(folder, 'cache') }

beforeAll(async () => {
  writeFileSync(model, tinyYolox(['red', 'green', 'blue']))
  writeFileSync(
    stranger,
    constantModel([{ name: 'x', shape: [3] }], [{ name: 'y', shape: [2], values: [1, 2] }]),
  )
  await writeShapes(join(folder, 'shapes'), { all: 12 })
  await mkdir(join(folder, 'empty'))
  await mkdir(join(folder, 'damaged'))
  writeFileSync(join(folder, 'damaged', 'a.jpg'), 'no picture')
})

describe('boxlet quantize', () => {
  it('measures, says what it chose, and leaves a report beside the name of the file', async () => {
    const { code, out } = await boxlet(
      ['quantize', model, '--data', pictures, '--pictures', '4', '--format', 'json'],
      { env },
    )
    const report = JSON.parse(out)
    // A network that knows nothing may go either way; it is told, and only a good one is written.
    expect([0, 1]).toContain(code)
    expect(existsSync(join(folder, 'tiny.quantized.onnx'))).toBe(code === 0)
    expect(report.calibration).toHaveLength(4)
    expect(report.evaluation).toHaveLength(8)
    expect(report.evaluation.filter((name: string) => report.calibration.includes(name))).toEqual([])
    expect(report.tried).toHaveLength(6)
    expect(report.sensitivity.length).toBeGreaterThan(8)
    const page = readFileSync(join(folder, 'tiny.quantized.report.html'), 'utf8')
    expect(page).toContain("default-src 'none'")
    expect(page).toContain('What each part costs')
  })

  it.each<[string[], number, RegExp]>([
    [['quantize', model], 2, /pictures to calibrate on/],
    [['quantize', model, '--data', join(folder, 'none')], 3, /folder of pictures/],
    [['quantize', model, '--data', join(folder, 'empty')], 3, /there are none/],
    [['quantize', model, '--data', join(folder, 'damaged')], 3, /there are none/],
    [['quantize', stranger, '--data', pictures], 3, /detector of a known family/],
    [['quantize', model, '--data', pictures, '--out', model], 2, /another name for --out/],
  ])('tells what is wrong in one line: %j', async (args, expected, message) => {
    const { code, err, out } = await boxlet(args, { env })
    expect(err).toMatch(message)
    expect([code, out, err.trim().split('\n').length]).toEqual([expected, '', 1])
  })

  it('prunes, or says that it is not worth it', async () => {
    const args = ['prune', model, '--data', pictures, '--limit', '4', '--keep', '0.5', '--format', 'json']
    const { code, out } = await boxlet(args, { env })
    const report = JSON.parse(out)
    expect(report.verdict === 'good' ? 0 : 1).toBe(code)
    expect(existsSync(join(folder, 'tiny.pruned.onnx'))).toBe(code === 0)
    expect(report.layers.length).toBeGreaterThan(3)
    expect((await boxlet(['prune', model], { env })).err).toMatch(/pictures to compare on/)
  })

  it('says before it works that the labels of a set are not those of the model', async () => {
    const other = join(folder, 'other.onnx')
    writeFileSync(other, tinyYolox(['lorry', 'bus', 'tram']))
    const { code, err } = await boxlet(['quantize', other, '--data', join(folder, 'shapes')], { env })
    expect(code).toBe(3)
    expect(err).toMatch(/lorry, bus, tram.*red, green, blue/)
  })
})
