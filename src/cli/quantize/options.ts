import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import { newModelOptions } from '../kit/new-model.ts'
import type { Options } from '../kit/option-spec.ts'

const NEW_MODEL = newModelOptions('quantized')

export const QUANTIZE_OPTIONS = {
  ...MEASURING_DATA_OPTIONS,
  data: {
    ...MEASURING_DATA_OPTIONS.data,
    says: 'pictures as the model will see them: a folder, or a labelled set, which is told by its AP as well',
    alsoKnownAs: ['calib', 'calibration', 'representative-data'],
  },
  pictures: {
    type: 'number',
    says: 'pictures that ranges are taken from; others are compared on',
    group: 'Data',
    own: true,
    integer: true,
    min: 1,
    max: 1_000,
    default: 32,
  },
  ...CONTRACT_OPTIONS,
  fresh: { type: 'boolean', says: 'calibrate anew instead of going on after a stop', group: 'Running' },
  ...NEW_MODEL,
  out: { ...NEW_MODEL.out, says: 'file to write; the report lies beside it' },
} as const satisfies Options
