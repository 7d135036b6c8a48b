import type { OptionSpec, Settings } from '../kit/config.ts'
import { SUBJECT_OPTIONS } from './subjects.ts'

export const EVAL_OPTIONS = {
  ...SUBJECT_OPTIONS,
  data: { type: 'string', short: 'd' },
  split: { type: 'string' },
  detections: { type: 'string', multiple: true },
  'every-class': { type: 'boolean' },
  resamples: { type: 'number', integer: true, min: 10, max: 100_000 },
  'write-thresholds': { type: 'string' },
} as const satisfies Record<string, OptionSpec>
export type EvalSettings = Settings<typeof EVAL_OPTIONS>
