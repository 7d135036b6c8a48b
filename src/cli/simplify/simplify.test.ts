import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel } from '../../../test/support/onnx-graph.ts'
import { tinyYolov8 } from '../../../test/support/yolov8-head.ts'
import { readOnnx } from '../../onnx/read/reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-simplify-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const model = join(folder, 'tiny.onnx')
writeFileSync(model, tinyYolov8({ parts: 'split', sides: 'split', half: 'div' }))
const fresh = join(folder, 'fresh.onnx')
const stranger = join(folder, 'stranger.onnx')
writeFileSync(
  stranger,
  constantModel([{ name: 'x', shape: [3] }], [{ name: 'y', shape: [2], values: [1, 2] }]),
)

describe('boxlet simplify and compress', () => {
  it('write beside the model, say what they did, and leave it as it is', async () => {
    const before = readFileSync(model)
    const simple = await boxlet([
      'simplify',
      model,
      '--batch',
      '2',
      '--metadata',
      'author=me',
      '--format',
      'json',
    ])
    expect(simple.code).toBe(0)
    expect(JSON.parse(simple.out)).toMatchObject({
      out: join(folder, 'tiny.simple.onnx'),
      before: { inputs: 1 },
    })
    const written = readOnnx(new Uint8Array(readFileSync(join(folder, 'tiny.simple.onnx'))))
    expect(written.metadata.author).toBe('me')
    expect(written.inputs[0]?.shape?.[0]).toBe(2)
    const half = await boxlet(['compress', model, '--to', 'float16'])
    expect(half.err).toMatch(/agreement \(F1\) 100\.0 %/)
    expect(readFileSync(model).equals(before)).toBe(true)
  })

  it.each<[string[], number, RegExp]>([
    [['simplify', model, '--out', model], 2, /another name for --out/],
    [['simplify', model, '--out', stranger], 3, /exists.*--force/],
    [['simplify', stranger], 3, /detector of a known family/],
    [['simplify', model, '--input', 'wide'], 2, /such as 640 or 384x640/],
    [['simplify', model, '--input', '96', '--out', fresh], 2, /height 64 that is written/],
    [['simplify', model, '--metadata', 'author'], 2, /KEY=VALUE/],
    [['simplify', model, '--dynamic', '--batch', '2'], 2, /received both/],
    [['simplify', model, '--out', fresh, '--images', join(folder, 'none')], 3, /folder of pictures/],
    [['simplify', join(folder, 'none.onnx')], 3, /MODEL_NOT_FOUND/],
    [['compress', stranger], 3, /detector of a known family/],
    [['compress', model, '--data', join(folder, 'none')], 3, /folder of pictures/],
    [['compress', model, '--out', model], 2, /another name for --out/],
  ])('tell what is wrong in one line: %j', async (args, expected, message) => {
    const { code, err, out } = await boxlet(args)
    expect(err).toMatch(message)
    expect([code, out, err.trim().split('\n').length]).toEqual([expected, '', 1])
  })
})
