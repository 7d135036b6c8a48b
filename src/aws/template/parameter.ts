import type { Parameter } from './cloudformation.ts'

export const text = (Description: string, Default = '', more: Partial<Parameter> = {}): Parameter => ({
  Type: 'String',
  Description,
  Default,
  ...more,
})
export const choice = (Description: string, ...AllowedValues: string[]): Parameter =>
  text(Description, AllowedValues[0], { AllowedValues })
export const number = (
  Description: string,
  Default: number,
  MinValue: number,
  MaxValue: number,
): Parameter => ({
  Type: 'Number',
  Description,
  Default,
  MinValue,
  MaxValue,
})
/**
 * Text with commas rather than CloudFormation's own lists: rules and conditions can compare a text with nothing,
 * but have no way to look at an empty list.
 */
export const listOf = (Description: string, item: string): Parameter =>
  text(Description, '', { AllowedPattern: `^(${item}(,${item})*)?$` })

/** Source of a pattern, for CloudFormation and for JavaScript. */
export const arnPattern = (service: string): string => `arn:aws[a-z-]*:${service}:[a-z0-9-]+:[0-9]{12}:.+`
/** The text, or none. */
export const optional = (Description: string, pattern: string): Parameter =>
  text(Description, '', { AllowedPattern: `^(${pattern})?$` })
