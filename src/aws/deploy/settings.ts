import { createHash } from 'node:crypto'
import type { Stack } from '@aws-sdk/client-cloudformation'
import type { Template } from '../template/cloudformation.ts'
import { revisionOf } from '../template/revision.ts'
import { makesDataBucket } from './data-bucket.ts'
import type { StoredPackage } from './package-record.ts'
import type { AwsSession } from './session.ts'
import { parametersOf } from './stack.ts'

export interface SettingsOptions {
  stack: string
  before: Stack | undefined
  template: Template
  /** What the user chose this time. */
  chosen: Record<string, string>
  stored: StoredPackage
  onStep(text: string): void
}

/** All parameters of the stack to be: chosen now, or as they were, and what follows from the package. */
export async function resolveParameters(
  session: AwsSession,
  { stack, before, template, chosen, stored, onStep }: SettingsOptions,
): Promise<Record<string, string>> {
  const { bucket, artefacts, arch } = stored
  const former = Object.entries(parametersOf(before)).filter(([name]) => name in template.Parameters)
  const parameters: Record<string, string> = {
    ...Object.fromEntries(former),
    ...chosen,
    CodeBucket: bucket,
    CodeKey: artefacts.codeKey,
    LayerKey: artefacts.layerKey,
    ModelLocation: artefacts.modelLocation,
    Architecture: arch,
  }
  const { DataBucketName: data } = parameters
  if (data !== undefined && data !== '') {
    const makes = await makesDataBucket(session, stack, before, data)
    if (!makes && parametersOf(before).CreateDataBucket !== 'false')
      onStep(`The bucket ${data} exists already and is taken over.`)
    parameters.CreateDataBucket = String(makes)
  }
  // What is left out has its default, as CloudFormation will say the next time. The template names the package.
  const defaults = Object.entries(template.Parameters).map(([name, { Default = '' }]) => [
    name,
    String(Default),
  ])
  const text = createHash('sha256').update(JSON.stringify(template)).digest('hex')
  parameters.Revision = revisionOf(text, { ...Object.fromEntries(defaults), ...parameters })
  return parameters
}
