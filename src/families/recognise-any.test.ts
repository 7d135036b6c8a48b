import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HEAD_NAMES } from '../../test/support/head-names.ts'
import { BoxletError } from '../errors.ts'
import { validateContract } from '../model/contract-schema.ts'
import type { ModelSignature, TensorInfo } from '../model/signature.ts'
import { recognise } from './recognise.ts'

const NAMES = [
  ...HEAD_NAMES,
  'images',
  'image',
  'input',
  'pixel_values',
  'pixel_mask',
  'orig_target_sizes',
  'scale_factor',
  'image_shape',
  '814',
  'TFLite_Detection_PostProcess',
  '__proto__',
  '',
]

/** Numbers that shapes of real heads are made of, and some that break arithmetic. */
const dimension = fc.constantFrom<number | string | null>(
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  10,
  14,
  16,
  32,
  80,
  84,
  85,
  91,
  92,
  116,
  100,
  300,
  320,
  640,
  1600,
  400,
  2100,
  8400,
  25200,
  896,
  4420,
  1076,
  0,
  -1,
  2 ** 31,
  'batch',
  'n',
  null,
) // prettier-ignore

const tensor: fc.Arbitrary<TensorInfo> = fc.record({
  name: fc.constantFrom(...NAMES),
  type: fc.constantFrom('float32', 'float16', 'int64', 'int32', 'uint8', 'int8', 'string', 'other'),
  shape: fc.option(fc.array(dimension, { maxLength: 6 }), { nil: undefined }),
})

const picture: fc.Arbitrary<TensorInfo> = fc.constantFrom<TensorInfo>(
  { name: 'images', type: 'float32', shape: [1, 3, 640, 640] },
  { name: 'images', type: 'float32', shape: [1, 3, 320, 320] },
  { name: 'input', type: 'uint8', shape: [1, 'h', 'w', 3], quantization: { scale: 1 / 255, zeroPoint: 0 } },
  { name: 'image', type: 'float16', shape: [3, 'h', 'w'] },
)

const signature = fc
  .record({
    inputs: fc.tuple(picture, fc.array(tensor, { maxLength: 2 })).map(([first, rest]) => [first, ...rest]),
    outputs: fc.array(tensor, { minLength: 1, maxLength: 13 }),
    metadata: fc.dictionary(
      fc.constantFrom('names', 'task', 'kpt_shape', 'imgsz', 'stride', 'end2end'),
      fc.string(),
    ),
  })
  .map(
    (parts): ModelSignature => ({
      format: 'onnx',
      bytes: 1,
      producer: { name: '', version: '' },
      opsets: {},
      ops: {},
      parameters: 0,
      tails: {},
      ...parts,
    }),
  )

describe('recognition', () => {
  it('gives a valid contract for any signature, or says that it knows none', () => {
    fc.assert(
      fc.property(signature, (any) => {
        let recognised: ReturnType<typeof recognise>
        try {
          recognised = recognise(any, 'any')
        } catch (error) {
          expect(error).toBeInstanceOf(BoxletError)
          return
        }
        expect(() => validateContract(recognised.contract)).not.toThrow()
        for (const { confidence } of recognised.evidence) {
          expect(confidence).toBeGreaterThanOrEqual(0)
          expect(confidence).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
