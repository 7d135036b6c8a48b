/**
 * A template reduced to what AWS is told: conditions decided, parameters in place of references to them, and the
 * names that CloudFormation, SAM and CDK give to the same resource made one. Numbers are texts, as parameters are.
 */
import type { Resource, Template, Value } from '../../src/aws/template/cloudformation.ts'
import { foldTemplate } from '../../src/aws/template/fold.ts'

export type Facts = Record<string, Record<string, unknown>>

/** Name of the stack. */
export const STACK = 'test'

export function factsOf(template: Template, parameters: Readonly<Record<string, string | number>>): Facts {
  const folded = foldTemplate(template, parameters)
  const defaults = Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default])
  const known = { ...Object.fromEntries(defaults), ...parameters, 'AWS::StackName': STACK }
  return Object.fromEntries(
    Object.entries(folded.Resources)
      .filter(([, { Type }]) => Type.startsWith('AWS::') && !Type.startsWith('AWS::CDK'))
      .map(([name, resource]): [string, Record<string, unknown>] => [
        plainName(name),
        resourceFacts(resource, known),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

type Known = Readonly<Record<string, unknown>>

function resourceFacts({ Type, DeletionPolicy, Properties }: Resource, known: Known) {
  // Where code lies, and marks of the tool, are its own business.
  const { Code: _code, Content: _content, Tags: _tags, ...told } = Properties
  const facts = resolve(told, known) as Record<string, unknown>
  // An alias is named by its function and name, or by its own ARN.
  if (Type === 'AWS::Lambda::Url' && facts.Qualifier === 'live' && facts.TargetFunctionArn === '<Function>') {
    facts.TargetFunctionArn = '<Alias>'
    delete facts.Qualifier
  }
  return DeletionPolicy === undefined || Type.endsWith('::Version') ? facts : { DeletionPolicy, ...facts }
}

function plainName(name: string): string {
  const own = /^Detector\w*?Template(\w+?)[0-9A-F]{8}$/.exec(name)?.[1] ?? name
  if (/^(Function)?Version[0-9A-Za-z]*$/.test(own)) {
    return 'Version'
  }
  return { FunctionAliaslive: 'Alias', FunctionUrl: 'Url' }[own] ?? own
}

/** What is known becomes text; a reference that only AWS can resolve becomes `<Name>` or `<Name.Attribute>`. */
function resolve(value: Value | undefined, known: Known): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, known))
  }
  if (typeof value === 'number') {
    return String(value)
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  const [[name, operand] = ['', null]] = Object.entries(value) as [string, Value][]
  if (name === 'Ref') {
    return reference(String(operand), known)
  }
  if (name === 'Fn::GetAtt') {
    const [of, attribute] = Array.isArray(operand) ? operand : String(operand).split('.')
    return `<${plainName(String(of))}.${attribute}>`
  }
  if (name === 'Fn::Sub') {
    const [text, more] = (Array.isArray(operand) ? operand : [operand, {}]) as [string, Record<string, Value>]
    const local = { ...known, ...(resolve(more, known) as Record<string, unknown>) }
    return text.replace(/\$\{([^}]+)\}/g, (_all, inner: string) => reference(inner, local))
  }
  if (name === 'Fn::Join') {
    const [separator, items] = operand as [string, Value]
    return (resolve(items, known) as string[]).join(separator)
  }
  if (name === 'Fn::Split') {
    const [separator, text] = operand as [string, Value]
    return String(resolve(text, known)).split(separator)
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, known)]))
}

const reference = (name: string, known: Known): string =>
  name in known ? String(known[name]) : `<${plainName(name)}>`
