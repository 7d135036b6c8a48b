import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { readSignature } from '../../prepare/read-signature.ts'
import { readTflite } from '../../tflite/tflite.ts'
import type { Io } from '../kit/verb.ts'
import { main } from '../main.ts'

/** Made by LiteRT's schema library; `CONV_2D` and one more operator. */
const goldens: { name: string; model: string }[] = JSON.parse(
  readFileSync(new URL('../../tflite/operators.golden.json', import.meta.url), 'utf8'),
)
const small = Buffer.from(goldens.find(({ name }) => name === 'int8 CONV_2D')!.model, 'base64')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-convert-'))
  writeFileSync(join(folder, 'small.tflite'), small)
})

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const stream = (to: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        written[to] += String(chunk)
        done()
      },
    })
  const io: Io = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin: Readable.from([]),
    env: {},
    signal: new AbortController().signal,
  }
  return { code: await main(['convert', ...args], io), ...written }
}

describe('boxlet convert', () => {
  it('writes an ONNX file beside the model and names it', async () => {
    const { code, stdout, stderr } = await run(join(folder, 'small.tflite'))
    expect(code).toBe(0)
    expect(stdout).toBe(`${join(folder, 'small.onnx')}\n`)
    expect(stderr).toMatch(/1 operators? became \d+ nodes/)
    expect(readdirSync(folder)).toEqual(['small.onnx', 'small.tflite'])
  })

  it('does not write over a file unless it is told to', async () => {
    const out = join(folder, 'kept.onnx')
    writeFileSync(out, 'kept')
    const refused = await run(join(folder, 'small.tflite'), '--out', out)
    expect(refused).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toContain('--force')
    expect(readFileSync(out, 'utf8')).toBe('kept')
    expect((await run(join(folder, 'small.tflite'), '--out', out, '--force')).code).toBe(0)
    expect(readFileSync(out).length).toBeGreaterThan(100)
  })

  it('says in JSON what the model takes and gives', async () => {
    const { stdout } = await run(join(folder, 'small.tflite'), '--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      opset: 17,
      operators: { CONV_2D: 1 },
      inputs: [{ type: 'int8', quantization: { scale: expect.closeTo(0.02, 6), zeroPoint: 3 } }],
      outputs: [{ type: 'float32', storedAs: { type: 'int8' } }],
    })
  })

  it('refuses what is not a TFLite file, and leaves nothing behind', async () => {
    writeFileSync(join(folder, 'other.tflite'), 'no model')
    const { code, stderr } = await run(join(folder, 'other.tflite'))
    expect(code).toBe(3)
    expect(stderr).toContain('[MODEL_CORRUPT]')
    expect(readdirSync(folder)).toEqual(['other.tflite', 'small.tflite'])
    expect((await run(join(folder, 'missing.tflite'))).stderr).toContain('[MODEL_NOT_FOUND]')
    expect((await run()).code).toBe(2)
  })

  it('makes the folder that it is to write into', async () => {
    const out = join(folder, 'new', 'x.onnx')
    expect((await run(join(folder, 'small.tflite'), '--out', out)).code).toBe(0)
    expect(readdirSync(join(folder, 'new'))).toEqual(['x.onnx'])
  })

  it('says so where no file can be', async () => {
    const source = join(folder, 'small.tflite')
    const { code, stderr } = await run(source, '--out', join(source, 'x.onnx'))
    expect(code).toBe(3)
    expect(stderr).toContain('[OUTPUT_UNWRITABLE]')
  })

  it.skipIf(!hasCorpus)('writes a file that is read as the TFLite file was', async () => {
    const source = corpusPath('models/yolov8n-224-full-integer.tflite')
    const out = join(folder, 'yolo.onnx')
    expect((await run(source, '--out', out)).code).toBe(0)
    const converted = await readSignature(readFileSync(out))
    const original = readTflite(readFileSync(source))
    expect(converted.format).toBe('tflite')
    expect(converted.inputs).toEqual(original.inputs)
    expect(converted.outputs).toEqual(original.outputs)
    expect(converted.metadata).toEqual(original.metadata)
  })
})
