import { MEASURING_DATA_OPTIONS } from '../kit/data-options.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { MODEL_OPTIONS } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'

const { model: _, ...LOADING } = MODEL_OPTIONS

export const BENCH_OPTIONS = {
  images: {
    type: 'string',
    says: 'folder of pictures that are timed',
    group: 'Data',
    value: 'DIR',
    completes: 'folder',
    otherwise: 'those of --data, or three made of a photo that comes with Boxlet',
  },
  pictures: {
    type: 'number',
    says: 'pictures that are timed at most',
    group: 'Data',
    own: true,
    integer: true,
    min: 1,
    max: 1_000,
    default: 16,
  },
  ...MEASURING_DATA_OPTIONS,
  data: { ...MEASURING_DATA_OPTIONS.data, says: 'labelled set that AP is measured on', value: 'DATASET' },
  rounds: {
    type: 'number',
    says: 'times that each picture is timed',
    group: 'Running',
    own: true,
    integer: true,
    min: 1,
    max: 1_000,
    default: 5,
  },
  ...LOADING,
  threads: { ...LOADING.threads, otherwise: '1' },
  plot: {
    type: 'string',
    says: 'draw AP over time, where there is --data',
    group: 'Output',
    value: 'FILE.svg',
    own: true,
    completes: 'file',
  },
  format: FORMAT_OPTION,
} as const satisfies Options
