import type { Resource, Template, Value } from './cloudformation.ts'

/** Values that are known before deployment, by parameter. A list is text with commas. */
export type Known = Readonly<Record<string, string | number>>

const NO_VALUE = Symbol('AWS::NoValue')
type Folded = Value | typeof NO_VALUE

/**
 * Decides all conditions with known parameters and leaves out what they rule out: what CloudFormation would
 * make of the template. Parameters that are not given have their defaults.
 */
export function foldTemplate(template: Template, known: Known): Template {
  const value = (name: string): string | number | undefined =>
    known[name] ?? template.Parameters[name]?.Default
  const conditions = new Map<string, boolean>()
  const literal = (expression: Value): string => {
    if (typeof expression !== 'object' || expression === null) return String(expression)
    if (Array.isArray(expression)) return expression.map(literal).join('')
    const { Ref: name, 'Fn::Join': join } = expression
    if (typeof name === 'string') return String(value(name) ?? '')
    if (Array.isArray(join)) return literal(join[1] as Value).replaceAll(',', String(join[0]))
    throw new Error('an expression that conditions do not use')
  }
  const decide = (condition: Value): boolean => {
    const { 'Fn::Equals': pair, 'Fn::Not': inner } = condition as Record<string, Value[]>
    if (pair !== undefined) return literal(pair[0]!) === literal(pair[1]!)
    return !decide(inner![0]!)
  }
  for (const [name, condition] of Object.entries(template.Conditions)) conditions.set(name, decide(condition))

  const fold = (node: Value): Folded => {
    if (typeof node !== 'object' || node === null) return node
    if (Array.isArray(node)) return node.map(fold).filter((item): item is Value => item !== NO_VALUE)
    if (node.Ref === 'AWS::NoValue') return NO_VALUE
    const branches = node['Fn::If']
    if (Array.isArray(branches)) return fold(branches[conditions.get(String(branches[0])) ? 1 : 2] as Value)
    const entries = Object.entries(node).map(([key, item]) => [key, fold(item)] as const)
    return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== NO_VALUE))
  }
  const holds = ({ Condition }: { Condition?: string }): boolean =>
    Condition === undefined || conditions.get(Condition) === true

  const Resources: Record<string, Resource> = {}
  for (const [name, resource] of Object.entries(template.Resources)) {
    if (!holds(resource)) continue
    const { Condition: _decided, ...rest } = resource
    Resources[name] = fold(rest as unknown as Value) as unknown as Resource
  }
  const Outputs: Template['Outputs'] = {}
  for (const [name, output] of Object.entries(template.Outputs)) {
    const { Condition: _decided, ...rest } = output
    if (holds(output)) Outputs[name] = rest
  }
  return { ...template, Conditions: {}, Resources, Outputs }
}
