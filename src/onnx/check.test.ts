import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../test/support/corpus.ts'
import type { ModelSignature } from '../model/signature.ts'
import { checkForRuntime } from './check.ts'
import { readOnnx } from './read/reader.ts'

const sound: ModelSignature = {
  format: 'onnx',
  bytes: 100,
  inputs: [{ name: 'images', type: 'float32', shape: [1, 3, 640, 640] }],
  outputs: [{ name: 'output0', type: 'float32', shape: [1, 84, 8400] }],
  metadata: {},
  producer: { name: '', version: '' },
  opsets: { 'ai.onnx': 17 },
  ops: { Conv: 1, 'com.microsoft:QuickGelu': 2, 'my.ops:Decode': 1 },
  parameters: 0,
  tails: {},
  functions: ['my.ops:Decode'],
}

const refused = (part: Partial<ModelSignature>) => () => checkForRuntime({ ...sound, ...part })

describe('what is kept from the runtime', () => {
  it('lets sound models pass, with functions of their own', () => {
    expect(refused({})).not.toThrow()
  })

  it.each<[string, Partial<ModelSignature>, string]>([
    ['no outputs', { outputs: [] }, 'MODEL_CORRUPT'],
    ['inputs of text', { inputs: [{ name: 'text', type: 'string', shape: [1] }] }, 'MODEL_UNSUPPORTED'],
    ['operators of another runtime', { ops: { 'TRT:EfficientNMS_TRT': 1 } }, 'MODEL_UNSUPPORTED'],
    ['an operator set of the future', { opsets: { 'ai.onnx': 99 } }, 'MODEL_UNSUPPORTED'],
    [
      'sizes beyond memory',
      { inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 1e6, 1e6] }] },
      'MODEL_LIMIT',
    ],
  ])('refuses %s', (_, part, code) => {
    expect(refused(part)).toThrow(expect.objectContaining({ code }))
  })
})

describe.skipIf(!hasCorpus)('real files', () => {
  it.each([
    'yolox-nano',
    'nanodet-m-416-int8-qoperator',
    'retinanet-bccd-320-torchvision',
    'yolo26n-640-int8-end2end',
  ])('lets %s pass', (name) => {
    expect(() => checkForRuntime(readOnnx(corpusBytes(`models/${name}.onnx`)))).not.toThrow()
  })
})
