import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { CONTRACT_OPTIONS } from '../kit/model-options.ts'
import { newModelOptions } from '../kit/new-model.ts'
import type { Options } from '../kit/option-spec.ts'

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
  ...newModelOptions('pruned'),
} as const satisfies Options
