/** The two rules that make a conversion safe, and what is decided where a file leaves something open. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  archive,
  classifier,
  convolution,
  int,
  module,
  type Ops,
  tensor,
} from '../../test/support/checkpoint.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

const withLayer = (layer: Ops) => () => {
  const { root, storages } = classifier({ layers: [layer] })
  return convertCheckpoint(memorySource(archive(root, { ...storages, more: new Float32Array(64) })))
}

describe('a network', () => {
  it('with a tensor that its class has no use for is refused, naming the tensor', () => {
    const identity = module('torch.nn.modules.linear.Identity', {
      parameters: [['scale', tensor('more', [4])]],
      attributes: [['f', int(-1)]],
    })
    expect(withLayer(identity)).toThrow('"model.1.scale"')
  })

  it('whose layers do not fit together is refused, naming the layer', () => {
    expect(withLayer(convolution('more', undefined, [4, 7, 1, 1]))).toThrow(
      'Expected 7 channels in Conv2d at "model.1"',
    )
  })

  it('of a class that only has the name of a known one is refused', () => {
    expect(withLayer(module('mine.nn.Conv', { attributes: [['f', int(-1)]] }))).toThrow('"mine.nn.Conv"')
  })
})

describe('a size that is no multiple of the stride', () => {
  it('becomes the next one, and is said', () => {
    const file = gunzipSync(readFileSync(new URL('goldens/segment.pt.gz', import.meta.url)))
    const { size, notices } = convertCheckpoint(memorySource(file), { size: { height: 30, width: 33 } })
    expect(size).toEqual({ height: 32, width: 36 })
    expect(notices.join()).toContain('no multiple of the stride of 4')
  })
})
