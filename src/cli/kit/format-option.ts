import type { OptionSpec } from './option-spec.ts'

/** Of verbs that print for people or for programs. */
export const FORMAT_OPTION = {
  type: 'string',
  says: 'how results are printed',
  group: 'Output',
  value: 'F',
  own: true,
  choices: ['text', 'json'],
  default: 'text',
} as const satisfies OptionSpec
