import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { OptionSpec, Options } from '../kit/option-spec.ts'
import type { Inputs } from '../kit/verb.ts'

/** Of verbs on models of the catalogue. */
export const TABLE_OPTIONS = {
  format: { ...FORMAT_OPTION, choices: ['table', 'json'], default: 'table' },
} as const satisfies Options

export const FAMILY_OPTION = {
  type: 'string',
  says: 'read the file as one of this family, not of the likeliest',
  group: 'Model',
  value: 'NAME',
} as const satisfies OptionSpec

export const MODEL_INPUT: Inputs = {
  usage: 'FILE|NAME',
  noun: 'file or name of a model',
  least: 1,
  most: 1,
  completes: 'model',
}
export const MODEL_NAMES: Inputs = {
  usage: 'NAME...',
  noun: 'name of a model',
  least: 1,
  hint: 'Run "boxlet model list" for the names.',
  completes: 'model',
}
