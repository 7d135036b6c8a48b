import type { Options } from './option-spec.ts'

/** Options of the verbs that measure a new file against the old one on pictures. */
export const MEASURING_DATA_OPTIONS = {
  data: {
    type: 'string',
    says: 'pictures to compare on: a folder, or a labelled set, which is told by its AP as well',
    group: 'Data',
    value: 'PICTURES|DATASET',
    short: 'd',
    own: true,
    completes: 'file',
  },
  split: {
    type: 'string',
    says: 'part of a VOC or YOLO set: train, val, test, all',
    group: 'Data',
    value: 'NAME',
    otherwise: 'test, else val, else all',
  },
  limit: {
    type: 'number',
    says: 'pictures that are compared at most',
    group: 'Data',
    own: true,
    integer: true,
    min: 1,
    max: 100_000,
    default: 64,
  },
} as const satisfies Options
