import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Detector } from '../src/detector/detector.ts'
import type { Family } from '../src/families/family.ts'
import { registerFamily } from '../src/families/registry.ts'
import { yolov8 } from '../src/families/yolo/yolov8.ts'
import { boxlet } from './support/boxlet.ts'
import { constantModel, yolov8Head } from './support/onnx-graph.ts'

let folder: string
let model: string
const picture = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) }

/** A family from outside that reads YOLOv8 heads when it is the one that the user wants. */
const register = (name: string, parts: Partial<Family>) =>
  registerFamily({ name, title: name, recognise: () => undefined, decode: yolov8.decode, ...parts })
const recognisedAs =
  (family: string, output = {}) =>
  (signature: Parameters<Family['recognise']>[0]) => {
    const found = yolov8.recognise(signature)!
    return {
      ...found,
      contract: { ...found.contract, family, output: { ...found.contract.output, ...output } },
    }
  }
const oops = () => {
  throw new TypeError('oops')
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-guard-'))
  model = join(folder, 'pets.onnx')
  const values = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6)
  const input = [{ name: 'images', shape: [1, 3, 64, 64] }]
  await writeFile(model, constantModel(input, [{ name: 'output0', shape: [1, 6, 84], values }]))
  register('bad-recognise', { recognise: oops })
  register('bad-decode', {
    recognise: (signature) => ({ ...recognisedAs('bad-decode')(signature), confidence: 0.01 }),
    decode: oops,
  })
  register('bad-contract', {
    recognise: (signature) => ({
      ...recognisedAs('bad-contract', { boxUnits: 'feet' })(signature),
      confidence: 0.01,
    }),
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a registered family with a fault', () => {
  it('is passed over when another family knows the file, and the evidence says so', async () => {
    await using detector = await Detector.load(model)
    expect(detector.model.family).toBe('yolov8')
    expect(detector.model.evidence).toContainEqual(
      expect.objectContaining({ about: 'family bad-recognise', because: expect.stringContaining('oops') }),
    )
  })
  it('is named when it is the one that was wanted, with its cause', async () => {
    await expect(Detector.load(model, { contract: { family: 'bad-recognise' } })).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
      message: expect.stringContaining('family bad-recognise failed in recognise: oops'),
      cause: expect.any(TypeError),
    })
  })
  it('is named when it fails in decode', async () => {
    await using detector = await Detector.load(model, { contract: { family: 'bad-decode' } })
    await expect(detector.detect(picture)).rejects.toMatchObject({
      code: 'MODEL_OUTPUT',
      message: expect.stringContaining('family bad-decode failed in decode: oops'),
      cause: expect.any(TypeError),
    })
  })
  it('is named when its contract does not have the form of one', async () => {
    await expect(Detector.load(model, { contract: { family: 'bad-contract' } })).rejects.toMatchObject({
      code: 'CONTRACT_INVALID',
      message: expect.stringMatching(/family bad-contract .*output\.boxUnits/),
    })
  })
  it('shows its stack for a picture on the command line when BOXLET_DEBUG is set', async () => {
    const path = join(import.meta.dirname, '../examples/pictures/coffee.png')
    const contract = join(folder, 'contract.json')
    await writeFile(contract, '{"family": "bad-decode"}')
    const args = ['detect', path, '--model', model, '--contract', contract]
    const plain = await boxlet(args)
    expect(plain).toMatchObject({ code: 3, err: expect.not.stringMatching(/at .*faulty-family\.test/) })
    const { err } = await boxlet(args, { env: { BOXLET_DEBUG: '1' } })
    expect(err).toMatch(/TypeError: oops\n +at .*faulty-family\.test/)
  })
})
