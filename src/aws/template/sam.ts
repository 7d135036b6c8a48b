import { type Resource, ref, type Template, type Value, when } from './cloudformation.ts'
import { buildTemplate } from './template.ts'

/** Parts of the plain template that SAM writes itself. */
const WRITTEN_BY_SAM = ['Alias', 'Version']
/** Those that name our alias. */
const OF_THE_ALIAS = ['UrlPermission', 'UrlInvokePermission', 'ApiIntegration', 'ApiPermission']

/**
 * The same stack for the SAM command line: the two functions in SAM's form, which package, version and alias
 * them, and all other resources as they are.
 *
 * @param codeUri path of the package from the template
 */
export function samTemplate(codeUri: string): Template {
  const plain = buildTemplate()
  const resources: Record<string, Resource> = {}
  for (const [name, resource] of Object.entries(plain.Resources)) {
    if (!WRITTEN_BY_SAM.includes(name)) {
      resources[name] = resource
    }
  }
  resources.Function = {
    Type: 'AWS::Serverless::Function',
    Properties: {
      ...samFunction(plain.Resources.Function!, codeUri),
      AutoPublishAlias: 'live',
      // SAM publishes for another package only; the description replaces the version for other settings.
      VersionDescription: plain.Resources.Version!.Properties.Description!,
      ProvisionedConcurrencyConfig: when('HasProvisioned', {
        ProvisionedConcurrentExecutions: ref('ProvisionedConcurrency'),
      }),
    },
  }
  for (const name of ['Worker', 'Clerk']) {
    resources[name] = {
      ...plain.Resources[name]!,
      Type: 'AWS::Serverless::Function',
      Properties: samFunction(plain.Resources[name]!, codeUri),
    }
  }
  // SAM cannot see through a condition, so the address and its permissions are ours.
  for (const name of OF_THE_ALIAS) {
    resources[name] = renamed(plain.Resources[name]!) as unknown as Resource
  }
  const { DependsOn: _alias, ...url } = plain.Resources.Url!
  const { Qualifier: _live, ...address } = url.Properties
  resources.Url = { ...url, Properties: { ...address, TargetFunctionArn: ref('Function.Alias') } }
  const parameters = { ...plain.Parameters }
  // The SAM command line uploads the package itself; a layer is added by hand where one is needed.
  for (const name of ['CodeBucket', 'CodeKey', 'LayerKey']) {
    delete parameters[name]
  }
  delete resources.ModelLayer
  const conditions = { ...plain.Conditions }
  delete conditions.HasLayer
  return {
    ...plain,
    Transform: 'AWS::Serverless-2016-10-31',
    Parameters: parameters,
    Conditions: conditions,
    Resources: resources,
    Outputs: {
      ...plain.Outputs,
      FunctionArn: { Description: 'ARN of the live alias.', Value: ref('Function.Alias') },
    },
  }
}

function samFunction({ Properties }: Resource, codeUri: string): Record<string, Value> {
  const { Code: _code, Layers: _layers, TracingConfig, Environment, ...rest } = Properties
  const { Mode } = TracingConfig as { Mode: Value }
  return { ...rest, CodeUri: codeUri, Tracing: Mode, Environment: Environment ?? {} }
}

/** References to our alias become references to the one that SAM makes. */
function renamed(resource: Resource): Value {
  const text = JSON.stringify(resource).replaceAll('{"Ref":"Alias"}', JSON.stringify(ref('Function.Alias')))
  return JSON.parse(text) as Value
}
