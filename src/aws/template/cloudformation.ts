/** The little of CloudFormation's language that the template uses. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value }

export interface Resource {
  Type: string
  Properties: { [key: string]: Value }
  Condition?: string
  DependsOn?: string[]
  DeletionPolicy?: 'Delete' | 'Retain'
  UpdateReplacePolicy?: 'Delete' | 'Retain'
}

export interface Parameter {
  Type: string
  Description: string
  Default?: string | number
  AllowedValues?: (string | number)[]
  AllowedPattern?: string
  MinValue?: number
  MaxValue?: number
}

export interface Template {
  AWSTemplateFormatVersion: '2010-09-09'
  Transform?: string
  Description: string
  Metadata?: { [key: string]: Value }
  Parameters: Record<string, Parameter>
  Rules?: { [key: string]: Value }
  Conditions: { [key: string]: Value }
  Resources: Record<string, Resource>
  Outputs: Record<string, { Description: string; Value: Value; Condition?: string }>
}

export const ref = (name: string): Value => ({ Ref: name })
export const att = (name: string, attribute: string): Value => ({ 'Fn::GetAtt': [name, attribute] })
export const sub = (text: string): Value => ({ 'Fn::Sub': text })
export const when = (condition: string, then: Value, otherwise: Value = ref('AWS::NoValue')): Value => ({
  'Fn::If': [condition, then, otherwise],
})
export const not = (condition: Value): Value => ({ 'Fn::Not': [condition] })
export const equals = (a: Value, b: Value): Value => ({ 'Fn::Equals': [a, b] })
export const filled = (parameter: string): Value => not(equals(ref(parameter), ''))

export const allow = (actions: string[], resource: Value, condition?: Value): Value => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
})
