import { mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  archive,
  classifier,
  dict,
  float,
  int,
  module,
  sequential,
  text,
} from '../../../test/support/checkpoint.ts'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { recognise } from '../../families/recognise.ts'
import { prepareModel } from '../../prepare/prepare.ts'
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

  it('never writes over the model that it is given, whatever it is told', async () => {
    const model = join(folder, 'small.tflite')
    const before = readFileSync(model)
    symlinkSync(model, join(folder, 'link.onnx'))
    for (const out of [model, join(folder, 'link.onnx')]) {
      expect((await run(model, '--out', out, '--force')).code).toBe(2)
    }
    expect(readFileSync(model).equals(before)).toBe(true)
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

describe('boxlet convert of a checkpoint', () => {
  const written = (name: string) => join(folder, name)
  beforeEach(() => {
    const facts = [
      ['version', text('8.3.1')],
      ['train_metrics', dict([text('metrics/accuracy_top1'), float(0.875)])],
    ] as const
    const { root, storages } = classifier({ facts: [...facts] })
    writeFileSync(written('best.pt'), archive(root, storages))
  })

  it('writes what was trained, and says what its training measured', async () => {
    const { code, stdout, stderr } = await run(written('best.pt'))
    expect(code).toBe(0)
    expect(stdout).toBe(`${written('best.onnx')}\n`)
    expect(stderr).toContain('ClassificationModel of version 8.3.1, 2 classes, pictures of 8 by 8 pixels')
    expect(stderr).toContain('accuracy_top1 0.875; "boxlet eval best.pt --data DATA"')
    const signature = await readSignature(new Uint8Array(readFileSync(written('best.onnx'))))
    expect(signature.metadata).toMatchObject({ task: 'classify', version: '8.3.1' })
  })

  it('takes another size, height first', async () => {
    const { stdout } = await run(written('best.pt'), '--imgsz', '16x32', '--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      inputs: [{ name: 'images', shape: [1, 3, 16, 32] }],
      size: { height: 16, width: 32 },
      checkpoint: { version: '8.3.1', metrics: { 'metrics/accuracy_top1': 0.875 } },
    })
  })

  it('refuses a size that is none, and options that the file has no use for', async () => {
    for (const size of ['large', '0', '640x0', '-1']) {
      expect(await run(written('best.pt'), `--imgsz=${size}`)).toMatchObject({ code: 2 })
    }
    const tflite = await run(written('small.tflite'), '--imgsz', '640')
    expect(tflite).toMatchObject({ code: 2 })
    expect(tflite.stderr).toContain('PyTorch checkpoint for --imgsz')
  })

  it('names a class that is not known and leaves no file', async () => {
    const network = module('ultralytics.nn.tasks.DetectionModel', {
      modules: [
        ['model', sequential(module('mine.layers.\u001b[31mStem', { attributes: [['f', int(-1)]] }))],
      ],
    })
    writeFileSync(written('fork.pt'), archive(dict([text('model'), network])))
    const { code, stderr } = await run(written('fork.pt'))
    expect(code).toBe(3)
    expect(stderr).toContain('"mine.layers.\\u001b[31mStem"')
    expect(readdirSync(folder)).not.toContain('fork.onnx')
  })

  it.skipIf(!hasCorpus)('writes a graph that is prepared as an exported one is', async () => {
    const out = written('yolo.onnx')
    expect((await run(corpusPath('checkpoints/yolov8n.pt'), '--out', out)).code).toBe(0)
    const bytes = new Uint8Array(readFileSync(out))
    const { contract } = recognise(await readSignature(bytes), 'yolo')
    expect(prepareModel(bytes, contract)?.edits).toEqual([
      'Boxes are decoded outside the graph, and the input takes any multiple of 32.',
      'Scale and colour order are part of the first convolution.',
    ])
  })

  it.each([
    ['rtdetr', 'bilinear'],
    ['rtdetr-weights', 'area'],
    ['dfine-weights', 'area'],
  ])('writes rows of %s that are not taken for those of YOLOv8', async (name, resample) => {
    const golden = new URL(`../../checkpoint/goldens/${name}.pt.gz`, import.meta.url)
    writeFileSync(written('detr.pt'), gunzipSync(readFileSync(golden)))
    expect((await run(written('detr.pt'))).code).toBe(0)
    const signature = await readSignature(new Uint8Array(readFileSync(written('detr.onnx'))))
    const { contract } = recognise(signature, 'detr')
    expect(contract.family).toBe('rtdetr-ultralytics')
    expect(contract.input.geometry).toMatchObject({ fit: 'stretch', resample })
  })
})
