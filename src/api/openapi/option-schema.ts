import type { OptionRow } from '../../detector/options.ts'
import { defined } from '../../system/defined.ts'

/** JSON Schema of an option's value. */
export function optionSchema({ type, integer, min, max }: OptionRow): object {
  if (type === 'list') {
    return {
      type: 'array',
      items: {
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'integer', minimum: 0 },
        ],
      },
    }
  }
  return type === 'boolean'
    ? { type }
    : { type: integer ? 'integer' : 'number', ...defined({ minimum: min, maximum: max }) }
}

export const describeOption = ({ says, default: value }: OptionRow): string =>
  value === undefined ? says : `${says} Default: ${value}.`
