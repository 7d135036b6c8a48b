import type { Parameter, Resource, Rule, Template, Value } from './cloudformation.ts'

/** All that one event source adds to the stack. `sources/sources.ts` lists them. */
export interface TemplatePart {
  parameters: Record<string, Parameter>
  conditions: Record<string, Value>
  rules?: Record<string, Rule>
  /** Alarms among them. */
  resources: Record<string, Resource>
  outputs: Template['Outputs']
  /** What it adds to the dashboard while a condition holds. */
  widgets?: {
    condition: string
    list: readonly Value[]
    /** Values for names in them, beside those that every part of the template may use. */
    names: Record<string, Value>
  }
}
