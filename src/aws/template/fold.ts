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
  const decide = decider(template, known)
  const fold = (node: Value): Folded => {
    if (typeof node !== 'object' || node === null) {
      return node
    }
    if (Array.isArray(node)) {
      return node.map(fold).filter((item): item is Value => item !== NO_VALUE)
    }
    if (node.Ref === 'AWS::NoValue') {
      return NO_VALUE
    }
    const branches = node['Fn::If']
    if (Array.isArray(branches)) {
      return fold(branches[decide({ Condition: branches[0]! }) ? 1 : 2] as Value)
    }
    const entries = Object.entries(node).map(([key, item]) => [key, fold(item)] as const)
    return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== NO_VALUE))
  }
  const holds = ({ Condition }: { Condition?: string }): boolean =>
    Condition === undefined || decide({ Condition })

  const Resources: Record<string, Resource> = {}
  for (const [name, resource] of Object.entries(template.Resources)) {
    if (!holds(resource)) {
      continue
    }
    const { Condition: _decided, ...rest } = resource
    Resources[name] = fold(rest as unknown as Value) as unknown as Resource
  }
  const Outputs: Template['Outputs'] = {}
  for (const [name, output] of Object.entries(template.Outputs)) {
    const { Condition: _decided, ...rest } = output
    if (holds(output)) {
      Outputs[name] = rest
    }
  }
  return { ...template, Conditions: {}, Resources, Outputs }
}

/** Descriptions of the rules that known parameters break. */
export function brokenRules(template: Template, known: Known): string[] {
  const decide = decider(template, known)
  return Object.values(template.Rules ?? {})
    .filter(({ RuleCondition }) => decide(RuleCondition))
    .flatMap(({ Assertions }) => Assertions)
    .filter(({ Assert }) => !decide(Assert))
    .map(({ AssertDescription }) => AssertDescription)
}

/** Conditions are made of parameters, texts and these functions, and of nothing else. */
function decider(template: Template, known: Known): (condition: Value) => boolean {
  const literal = (expression: Value): string => {
    if (typeof expression !== 'object' || expression === null) {
      return String(expression)
    }
    const { Ref: name } = expression as { Ref?: string }
    if (name === undefined) {
      throw new Error('an expression that conditions do not use')
    }
    return String(known[name] ?? template.Parameters[name]?.Default ?? '')
  }
  const decide = (condition: Value): boolean => {
    const [[name, operands] = []] = Object.entries(condition as Record<string, Value[] | string>)
    if (name === 'Condition') {
      return decide(template.Conditions[String(operands)]!)
    }
    const parts = operands as Value[]
    if (name === 'Fn::Equals') {
      return literal(parts[0]!) === literal(parts[1]!)
    }
    if (name === 'Fn::Not') {
      return !decide(parts[0]!)
    }
    if (name === 'Fn::And') {
      return parts.every(decide)
    }
    if (name === 'Fn::Or') {
      return parts.some(decide)
    }
    if (name === 'Fn::Contains') {
      return (parts[0] as Value[]).map(literal).includes(literal(parts[1]!))
    }
    throw new Error('a function that conditions do not use')
  }
  return decide
}
