import { defined } from '../../system/defined.ts'
/** The little of CloudFormation's language that the template uses. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value }

export interface Resource {
  Type: string
  Properties: { [key: string]: Value }
  Condition?: string
  DependsOn?: string[]
  DeletionPolicy?: 'Delete' | 'Retain' | 'RetainExceptOnCreate'
  UpdateReplacePolicy?: 'Delete' | 'Retain'
}

export interface Parameter {
  Type: string
  Description: string
  Default?: string | number
  AllowedValues?: (string | number)[]
  AllowedPattern?: string
  MaxLength?: number
  MinValue?: number
  MaxValue?: number
}

export interface Rule {
  RuleCondition: Value
  Assertions: { Assert: Value; AssertDescription: string }[]
}

export interface Template {
  AWSTemplateFormatVersion: '2010-09-09'
  Transform?: string
  Description: string
  Metadata?: { [key: string]: Value }
  Parameters: Record<string, Parameter>
  Rules?: Record<string, Rule>
  Conditions: { [key: string]: Value }
  Resources: Record<string, Resource>
  Outputs: Record<string, { Description: string; Value: Value; Condition?: string }>
}

export const ref = (name: string): Value => ({ Ref: name })
export const att = (name: string, attribute: string): Value => ({ 'Fn::GetAtt': [name, attribute] })
export const sub = (text: string, more?: Record<string, Value>): Value => ({
  'Fn::Sub': more === undefined ? text : [text, more],
})
/** A list from text with commas. */
export const list = (parameter: string): Value => ({ 'Fn::Split': [',', ref(parameter)] })
/** ARN in the stack's own account and region. */
export const arn = (service: string, rest: string): Value =>
  sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`)
export const when = (condition: string, then: Value, otherwise: Value = ref('AWS::NoValue')): Value => ({
  'Fn::If': [condition, then, otherwise],
})
export const not = (condition: Value): Value => ({ 'Fn::Not': [condition] })
export const all = (...conditions: Value[]): Value => ({ 'Fn::And': conditions })
export const any = (...conditions: Value[]): Value => ({ 'Fn::Or': conditions })
/** A named condition within another one. */
export const named = (condition: string): Value => ({ Condition: condition })
export const equals = (a: Value, b: Value): Value => ({ 'Fn::Equals': [a, b] })
/** In rules only. */
export const contains = (values: string[], value: Value): Value => ({ 'Fn::Contains': [values, value] })
export const filled = (parameter: string): Value => not(equals(ref(parameter), ''))

const statement = (
  Effect: 'Allow' | 'Deny',
  actions: string[],
  resource: Value,
  condition?: Value,
): Value => ({
  Effect,
  Action: actions,
  Resource: resource,
  ...defined({ Condition: condition }),
})

export const allow = (actions: string[], resource: Value, condition?: Value): Value =>
  statement('Allow', actions, resource, condition)
export const deny = (actions: string[], resource: Value, condition?: Value): Value =>
  statement('Deny', actions, resource, condition)
