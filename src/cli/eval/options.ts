import { MEASURING } from '../../evaluate/measuring.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { DATASET_OPTIONS, SUBJECT_OPTIONS } from './subjects.ts'

export const EVAL_OPTIONS = {
  data: {
    type: 'string',
    says: 'the labelled data set',
    group: 'Data',
    value: 'DATASET',
    short: 'd',
    own: true,
    completes: 'file',
    alsoKnownAs: ['dataset', 'annotations'],
  },
  split: DATASET_OPTIONS.split,
  ...SUBJECT_OPTIONS,
  'min-score': {
    ...SUBJECT_OPTIONS['min-score'],
    says: 'lowest confidence that counts; the curves need the low ones too',
    otherwise: `${MEASURING.minScore}, and all of --detections`,
  },
  max: {
    ...SUBJECT_OPTIONS.max,
    default: MEASURING.maxDetections,
    otherwise: String(MEASURING.maxDetections),
  },
  'every-class': {
    type: 'boolean',
    says: 'count only the best class of a box, as detection does; always so beside a service',
    group: 'What to find',
    negation: 'no',
  },
  detections: {
    type: 'string',
    says: 'COCO results of any other tool',
    group: 'Instead of, or beside, a model',
    value: 'FILE',
    multiple: true,
    completes: 'file',
  },
  resamples: {
    type: 'number',
    says: 'bootstrap draws for the interval of a difference',
    group: 'Output',
    integer: true,
    min: 10,
    max: 100_000,
    otherwise: '1000, fewer for large sets',
  },
  'write-thresholds': {
    type: 'string',
    says: 'write the best threshold of each class into a contract file, such as fridge.contract.json',
    group: 'Output',
    value: 'FILE',
    completes: 'file',
  },
} as const satisfies Options
export type EvalSettings = Settings<typeof EVAL_OPTIONS>
