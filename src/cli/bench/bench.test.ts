import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { tinyYolox, writeShapes } from '../../../test/support/tiny-yolox.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const model = join(folder, 'tiny.onnx')
const data = join(folder, 'shapes')
beforeAll(async () => {
  writeFileSync(model, tinyYolox(['red', 'green', 'blue']))
  await writeShapes(data, { all: 4 })
})

describe('boxlet bench', () => {
  it('measures each model, names those that fail, and draws AP over time', async () => {
    const plot = join(folder, 'plot.svg')
    const args = ['bench', model, join(folder, 'none.onnx'), '--data', data, '--rounds', '1', '--plot', plot]
    const { code, out, err } = await boxlet([...args, '--format', 'json'])
    expect(code).toBe(1)
    expect(err).toMatch(/none\.onnx.*MODEL_NOT_FOUND/)
    const { models, failed, pictures } = JSON.parse(out)
    expect([pictures, failed]).toEqual([4, [{ name: join(folder, 'none.onnx'), code: 'MODEL_NOT_FOUND' }]])
    for (const name of ['start', 'first', 'median', 'p95', 'floor', 'overFloor', 'perSecond', 'memory']) {
      expect(models[0][name], name).toBeGreaterThan(0)
    }
    expect(models[0].ap).toBeGreaterThanOrEqual(0)
    expect(readFileSync(plot, 'utf8')).toMatch(/^<svg[\s\S]*tiny/)
  })

  it.each<[string[], number, RegExp]>([
    [['bench'], 2, /at least one model/],
    [['bench', model, '--plot', 'x.svg'], 2, /--data and a name/],
    [['bench', model, '--images', join(folder, 'none')], 3, /folder of pictures/],
    [['bench', model, '--data', join(data, 'images', 'all')], 2, /labels for --data/],
  ])('tells what is wrong before it measures: %j', async (args, expected, message) => {
    const { code, err } = await boxlet(args)
    expect(err).toMatch(message)
    expect(code).toBe(expected)
  })
})
