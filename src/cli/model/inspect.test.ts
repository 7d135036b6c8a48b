import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { tinyYolov8 } from '../../../test/support/yolov8-head.ts'
import { validateContract } from '../../model/contract-schema.ts'
import { main } from '../main.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function model(...args: string[]) {
  const texts = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof texts) =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += chunk
        done()
      },
    })
  const code = await main(['model', ...args], {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: Readable.from([]),
    env: { BOXLET_CACHE: folder, BOXLET_OFFLINE: '1' },
    signal: new AbortController().signal,
  })
  return { code, ...texts }
}

function tinyFile(name = 'tiny.onnx'): string {
  const path = join(folder, name)
  writeFileSync(path, tinyYolov8({ parts: 'split', sides: 'split', half: 'div' }))
  return path
}

describe('boxlet model inspect', () => {
  it('prints what the file says, the contract, and why', async () => {
    const { code, stdout } = await model('inspect', tinyFile())
    expect(code).toBe(0)
    for (const expected of [
      /^tiny: ONNX, /,
      /parameters +\d+\.\d thousand/,
      /work +0.691 MFLOPs for 1×3×64×64/,
      /licence +not stated in the file/,
      /images +float32 +\[1, 3, 64, 64\]/,
      /output0 +float32 +\[1, 7, 84\] +after layers of 64, 3, 64, 3, 64, 3 channels$/m,
      /family +yolov8, detect/,
      /labels +3: a, b, c/,
      /\d+% {2}family: yolov8, because/,
      /Boxes are decoded outside the graph/,
    ]) {
      expect(stdout).toMatch(expected)
    }
  })

  it('gives the same as JSON', async () => {
    const { stdout } = await model('inspect', tinyFile(), '--format', 'json')
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      name: 'tiny',
      format: 'onnx',
      quantization: 'none',
      licence: null,
      contractFrom: 'recognised',
      contract: { family: 'yolov8', labels: ['a', 'b', 'c'] },
      metadata: { names: "{0: 'a', 1: 'b', 2: 'c'}" },
    })
    expect(result.evidence.length).toBeGreaterThan(2)
    expect(result.work.flops).toBe(2 * result.work.macs)
  })

  it('says so when the contract is stored beside the file', async () => {
    const file = tinyFile('stored.onnx')
    const { stdout } = await model('contract', file)
    const changed = { ...JSON.parse(stdout), labels: ['x', 'y', 'z'] }
    writeFileSync(join(folder, 'stored.contract.json'), JSON.stringify(changed))
    const inspected = await model('inspect', file)
    expect(inspected.stdout).toContain('Contract (stored beside the model)')
    expect(inspected.stdout).toMatch(/labels +3: x, y, z/)
  })

  it('reads the file as the family that is asked for, or says what is missing', async () => {
    const { code, stderr } = await model('inspect', tinyFile(), '--family', 'no-such-family')
    expect(code).toBe(2)
    expect(stderr).toContain('[CONTRACT_INVALID]')
  })

  it.each([
    [[], 2, 'USAGE'],
    [['one', 'two'], 2, 'USAGE'],
    [['--colour'], 2, 'USAGE'],
    [['no-such-file.onnx'], 3, 'MODEL_NOT_FOUND'],
  ])('answers %j with one line', async (args, code, error) => {
    const result = await model('inspect', ...args)
    expect(result.code).toBe(code)
    expect(result.stderr).toMatch(new RegExp(`^boxlet: Expected .*\\[${error}\\]\\n$`))
  })

  it('answers a damaged file with one line', async () => {
    const path = join(folder, 'damaged.onnx')
    writeFileSync(path, readFileSync(tinyFile()).subarray(0, 3000))
    const { code, stderr } = await model('inspect', path)
    expect(code).toBe(3)
    expect(stderr).toMatch(/^boxlet: Expected a valid ONNX file but .*\[MODEL_CORRUPT\]\n$/)
  })
})

describe('boxlet model contract', () => {
  it('writes a contract that the schema takes', async () => {
    const { code, stdout, stderr } = await model('contract', tinyFile())
    expect(code).toBe(0)
    expect(validateContract(JSON.parse(stdout)).family).toBe('yolov8')
    expect(stderr).toBe('')
  })
})

describe.skipIf(!hasCorpus)('real files', () => {
  const inspect = async (name: string) => (await model('inspect', corpusPath(`models/${name}`))).stdout

  it('finds licence, quantization and work', async () => {
    const text = await inspect('yolo11n-320-int8.onnx')
    expect(text).toMatch(/licence +AGPL-3.0 \(copyleft\), says the metadata of the file/)
    expect(text).toMatch(/quantization +int8, activations quantized as they come/)
    expect(text).toMatch(/work +1.62 GFLOPs for 1×3×320×320\n/)
  })

  it('still shows a file that is no detector', async () => {
    const text = await inspect('nms-stage-yolov8.onnx')
    expect(text).toContain('Suppression inside: NonMaxSuppression')
    expect(text).toMatch(/none: Expected a detector of a known family/)
  })

  it('says which parts are guesses', async () => {
    // Alone, without the class map that lies beside it in the corpus.
    const alone = join(folder, 'alone.onnx')
    copyFileSync(corpusPath('models/retinanet-bccd-320-torchvision.onnx'), alone)
    expect((await model('inspect', alone)).stdout).toMatch(/\? *\d+% {2}labels: unknown/)
    const { stderr } = await model('contract', alone)
    expect(stderr).toContain('guesses')
  })

  it('reads TFLite files', async () => {
    expect(await inspect('yolox-nano-416-float16.tflite')).toMatch(/^yolox-nano-416-float16: TFLite, 1.95 MB/)
  })
})

describe('a file that is no model', () => {
  it('is told as what it is, and a path that leads nowhere as such', async () => {
    const picture = join(folder, 'picture.onnx')
    writeFileSync(picture, readFileSync(join(import.meta.dirname, '../../../examples/pictures/coffee.png')))
    expect((await model('inspect', picture)).stderr).toContain('but received PNG.')
    writeFileSync(picture, '{}')
    expect((await model('inspect', picture)).stderr).toContain('but received JSON.')
    expect((await model('inspect', './nope.onnx')).stderr).toContain('"./nope.onnx" does not exist.')
  })
})

describe('boxlet model contract --out', () => {
  it('writes what the file leads to, whatever lies beside it', async () => {
    const file = tinyFile('stored.onnx')
    const beside = join(folder, 'stored.contract.json')
    writeFileSync(beside, 'not JSON')
    expect(await model('contract', file, '--out', beside)).toMatchObject({ code: 0, stdout: '' })
    expect(validateContract(JSON.parse(readFileSync(beside, 'utf8'))).family).toBe('yolov8')
  })
})
