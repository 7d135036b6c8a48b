import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { FORCE_OPTION } from '../kit/out-file.ts'

export const PRUNE_OPTIONS = {
  keep: {
    type: 'number',
    says: 'share of the channels of a layer that stays',
    value: 'S',
    own: true,
    min: 0.05,
    max: 0.95,
    default: 0.7,
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
    otherwise: 'MODEL.pruned.onnx beside the model',
    completes: 'file',
  },
  force: FORCE_OPTION,
  format: FORMAT_OPTION,
} as const satisfies Options
