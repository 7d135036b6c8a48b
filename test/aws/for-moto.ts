import type { Template } from '../../src/aws/template/cloudformation.ts'

/**
 * moto does not know aliases and function URLs and fails on references to them. Everything else is deployed as
 * it is; the other tests of this folder look after those.
 */
export function forMoto(given: Template): Template {
  const template = structuredClone(given)
  const gone = ['AWS::Lambda::Alias', 'AWS::Lambda::Url', 'AWS::Lambda::Version']
  for (const [name, { Type }] of Object.entries(template.Resources)) {
    if (gone.includes(Type)) {
      delete template.Resources[name]
    }
  }
  // An update trips over resources with conditions.
  for (const [name, { Condition }] of Object.entries(template.Resources)) {
    if (Condition !== undefined) {
      delete template.Resources[name]
    }
  }
  for (const [name, { Condition }] of Object.entries(template.Outputs)) {
    if (Condition !== undefined) {
      delete template.Outputs[name]
    }
  }
  // It is heeded there, and nothing speaks TLS.
  delete template.Resources.DataBucketPolicy
  template.Outputs.Endpoint = { Description: 'Address', Value: 'https://function.invalid/' }
  const text = JSON.stringify(template)
    .replaceAll('{"Ref":"Alias"}', '{"Ref":"Function"}')
    .replaceAll('[{"Ref":"ModelLayer"}]', '{"Ref":"AWS::NoValue"}')
    // It loses log groups when a stack changes.
    .replaceAll('{"Fn::GetAtt":["LogGroup","Arn"]}', '"*"')
    .replaceAll('{"Ref":"LogGroup"}', '"/aws/lambda/test"')
  return JSON.parse(text) as Template
}
