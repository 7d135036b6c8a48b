import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import { newModelOptions } from '../kit/new-model.ts'
import type { Options } from '../kit/option-spec.ts'

const NEW_MODEL = newModelOptions('int8')

export const COMPRESS_OPTIONS = {
  to: {
    type: 'string',
    says: 'how weights are stored',
    value: 'TYPE',
    own: true,
    choices: { float16: 'half the size', int8: 'a quarter of it' },
    default: 'int8',
  },
  ...MEASURING_DATA_OPTIONS,
  ...CONTRACT_OPTIONS,
  ...NEW_MODEL,
  out: { ...NEW_MODEL.out, otherwise: 'MODEL.float16.onnx or MODEL.int8.onnx beside the model' },
} as const satisfies Options
