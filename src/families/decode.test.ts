import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import type { Contract } from '../model/contract.ts'
import type { DecodeContext, RoleTensors } from './family.ts'
import type { Tensor } from './heads/tensor.ts'
import { KNOWN_FAMILIES } from './known.ts'

/** Every role that a family reads; a contract written by hand may name any of them for any tensor. */
const ROLES = [
  'predictions',
  'prototypes',
  'boxes',
  'scores',
  'labels',
  'classes',
  'count',
  'indices',
  'logits',
  'dets',
  'location',
  'confidence',
  'overlap',
  'regressors',
  'score0',
  'score1',
  'score2',
  'box0',
  'box1',
  'box2',
  'points0',
  'points1',
  'points2',
  'class0',
  'class1',
  'class2',
  'objectness0',
  'objectness1',
  'objectness2',
  'head0',
  'head1',
  'head2',
  'level0',
  'level1',
  'scores0',
  'scores1',
  'distances0',
  'distances1',
  'landmarks',
  'heatmap',
  'scale',
  'offset',
  'sides',
  'cells',
  'grid',
  'regressors0',
  'regressors1',
  'head8',
  'boxes8',
  'scores8',
] // prettier-ignore

const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    dims: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 }),
    fill: fc.constantFrom(0, 1, -1, 0.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY),
    isInteger: fc.boolean(),
  })
  .map(({ dims, fill, isInteger }) => {
    const count = dims.reduce((a, b) => a * b, 1)
    return isInteger
      ? {
          type: 'int64',
          dims,
          data: new BigInt64Array(count).fill(BigInt(Number.isFinite(fill) ? Math.trunc(fill) : 0)),
        }
      : { type: 'float32', dims, data: new Float32Array(count).fill(fill) }
  })

const options = fc.constantFrom<Record<string, unknown>>(
  {},
  { strides: [8, 16, 32], bins: 8, anchors: [[1, 2, 3, 4, 5, 6]], keypoints: 5, keypointValues: 3 },
  { strides: 'all', bins: -1, anchors: 7, keypoints: 1e9, keypointValues: 0, centreScales: {} },
  { strides: [0], bins: 0, decoded: true, transposed: true, extra: 'masks', channelsFirst: true },
  { strides: [1e-9], quantization: 3, extra: 'keypoints' },
)

function context(
  settings: Record<string, unknown>,
  classes: number,
  boxUnits: 'pixels' | 'ratio',
): DecodeContext {
  const contract: Contract = {
    version: 1,
    name: 'any',
    family: 'any',
    task: 'detect',
    input: {
      name: 'in',
      layout: 'NCHW',
      dtype: 'float32',
      size: { width: 32, height: 32 },
      colour: 'RGB',
      mean: [0, 0, 0],
      std: [255, 255, 255],
      geometry: { fit: 'stretch', align: 'centre', pad: [0, 0, 0], rounding: 'round', resample: 'bilinear' },
    },
    extraInputs: [],
    output: {
      roles: Object.fromEntries(ROLES.map((role) => [role, role])),
      boxCode: 'xyxy',
      boxUnits,
      frame: 'input',
      scoreActivation: 'none',
      classes,
      options: settings,
    },
    labels: [],
    thresholds: { score: 0.1 },
    suppression: { kind: 'none', iou: 0.5, maxDetections: 10 },
  } // prettier-ignore
  const size = { width: 32, height: 32 }
  const at = letterbox(size, size, { fit: 'stretch', align: 'centre', rounding: 'round' })
  return { contract, letterbox: at, minScore: 0.1 }
}

describe.each(KNOWN_FAMILIES.map((family) => [family.name, family] as const))('%s', (_, family) => {
  it('reads any tensors under any contract, or says what is wrong', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...ROLES), tensor, { minKeys: 1, maxKeys: ROLES.length }),
        options,
        fc.integer({ min: 0, max: 6 }),
        fc.constantFrom('pixels' as const, 'ratio' as const),
        (outputs: RoleTensors, settings, classes, units) => {
          try {
            const found = family.decode(outputs, context(settings, classes, units))
            expect(found.scores).toHaveLength(found.count)
            expect(found.boxes).toHaveLength(found.count * 4)
          } catch (error) {
            expect(error).toBeInstanceOf(BoxletError)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('recognises nothing in an empty signature', () => {
    const none = {
      format: 'onnx' as const,
      bytes: 0,
      inputs: [],
      outputs: [],
      metadata: {},
      producer: { name: '', version: '' },
      opsets: {},
      ops: {},
      parameters: 0,
      tails: {},
    }
    expect(family.recognise({ ...none } as never)).toBeUndefined()
  })
})
