import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { FORCE_OPTION } from '../kit/out-file.ts'

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
  out: {
    type: 'string',
    says: 'file to write',
    group: 'Output',
    value: 'FILE',
    short: 'o',
    own: true,
    otherwise: 'MODEL.float16.onnx or MODEL.int8.onnx beside the model',
    completes: 'file',
  },
  force: FORCE_OPTION,
  format: FORMAT_OPTION,
} as const satisfies Options
