import { describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { tinyYolox } from '../../../test/support/tiny-yolox.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { prepareModel } from '../../prepare/prepare.ts'
import { readDraft } from '../graph/read-draft.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { openSource } from '../source.ts'
import { compressWeights, type Storage } from './compress.ts'
import { compressModel } from './measured.ts'
import { quantizeRows } from './rows.ts'

function compressed(bytes: Uint8Array, to: Storage): Uint8Array {
  const draft = readDraft(bytes)
  compressWeights(draft, to)
  return writeDraft(draft)
}

describe('storing weights small', () => {
  const bytes = tinyYolox(['a', 'b'])

  it.each([
    ['float16', 'float16-weights'],
    ['int8', 'int8-weights'],
  ] as const)('writes %s and is known by it', (to, kind) => {
    const after = compressed(bytes, to)
    expect(readOnnx(after).quantization).toBe(kind)
    expect(after.length).toBeLessThan(bytes.length * 0.8)
  })

  it('refuses a file whose weights are small already', () => {
    const once = readDraft(compressed(bytes, 'float16'))
    expect(() => compressWeights(once, 'int8')).toThrow(/there are none/)
  })

  it('keeps each channel within half a step of its own scale', () => {
    const values = Float32Array.from({ length: 24 }, (_, at) => Math.sin(at) * 10 ** (at % 3))
    const { codes, scales } = quantizeRows(values, [2, 3, 4], 1, 127)
    expect(scales).toHaveLength(3)
    for (const [at, value] of values.entries()) {
      const scale = scales[Math.floor(at / 4) % 3]!
      expect(Math.abs(codes[at]! * scale - value)).toBeLessThanOrEqual(scale / 2 + 1e-6)
    }
  })

  it('gives rows of zeros a scale that does not divide by zero', () => {
    const { codes, scales } = quantizeRows(new Float32Array(4), [2, 2], 0, 127)
    expect([...codes, ...scales]).toEqual([0, 0, 0, 0, 1, 1])
  })
})

describe.skipIf(!hasCorpus)('a real file', () => {
  it('finds the same with weights of a quarter of the size, on the faster path', async () => {
    const source = await openSource(corpusPath('models/yolox-nano.onnx'), {})
    const { bytes, ap50, after, before } = await compressModel(source, 'int8', undefined)
    expect(after / before).toBeLessThan(0.32)
    expect(ap50).toBeGreaterThanOrEqual(0.97)
    const prepared = prepareModel(bytes, source.contract)
    expect(prepared?.contract.input).toMatchObject({ dtype: 'uint8', dynamic: { stride: 32 } })
    expect(parseModel(prepared!.bytes).graph.nodes.some(({ op }) => op === 'Slice')).toBe(false)
  })
})
