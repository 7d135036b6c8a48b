import type { Template } from '../../src/aws/template/cloudformation.ts'
import { foldTemplate } from '../../src/aws/template/fold.ts'

/**
 * moto does not know aliases and function URLs and fails on references to them. Everything else is deployed as
 * it is; the other tests of this folder look after those.
 *
 * @param parameters with jobs, their conditions are decided here, so that all their parts are made
 */
export function forMoto(given: Template, parameters: Readonly<Record<string, string>> = {}): Template {
  const hasJobs = ['on', 'paused'].includes(parameters.Jobs ?? '')
  const template = hasJobs ? foldTemplate(given, parameters) : structuredClone(given)
  const gone = [
    'AWS::Lambda::Alias',
    'AWS::Lambda::Url',
    'AWS::Lambda::Version',
    // It would call the function from within the call that sends a message, and wants a container for it.
    'AWS::Lambda::EventSourceMapping',
  ]
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
    .replaceAll(/\{"Fn::GetAtt":\["\w*LogGroup","Arn"\]\}/g, '"*"')
    .replaceAll(/\{"Ref":"\w*LogGroup"\}/g, '"/aws/lambda/test"')
  return JSON.parse(text) as Template
}
