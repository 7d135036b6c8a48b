import { createHash } from 'node:crypto'
import type { Stack } from '@aws-sdk/client-cloudformation'
import type { Template } from '../template/cloudformation.ts'
import { revisionOf } from '../template/revision.ts'
import { storageMbFor } from '../template/storage.ts'
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
  /** Of a model that is newly in S3; undefined for all else. */
  modelBytes?: number | undefined
  onStep(text: string): void
}

/** All parameters of the stack to be: chosen now, or as they were, and what follows from the package. */
export async function resolveParameters(
  session: AwsSession,
  { stack, before, template, chosen, stored, modelBytes, onStep }: SettingsOptions,
): Promise<Record<string, string>> {
  const { bucket, artefacts, arch } = stored
  const former = Object.entries(parametersOf(before)).filter(([name]) => name in template.Parameters)
  const parameters: Record<string, string> = {
    ...Object.fromEntries(former),
    ...storageFor(modelBytes, parametersOf(before)),
    ...chosen,
    CodeBucket: bucket,
    CodeKey: artefacts.codeKey,
    LayerKey: artefacts.layerKey,
    ModelLocation: artefacts.modelLocation,
    Architecture: arch,
  }
  // There is nothing to pause in a stack without jobs.
  if (chosen.Jobs === 'paused' && (parametersOf(before).Jobs ?? 'none') === 'none') {
    parameters.Jobs = 'none'
  }
  const { DataBucketName: data } = parameters
  if (data !== undefined && data !== '') {
    const makes = await makesDataBucket(session, stack, before, data)
    if (!makes && parametersOf(before).CreateDataBucket !== 'false') {
      onStep(`The bucket ${data} exists already and is taken over.`)
    }
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

/** A model in S3 is fetched into /tmp. What the stack has stays where that is enough, for it may have been chosen. */
function storageFor(
  bytes: number | undefined,
  { EphemeralStorage: has }: Record<string, string>,
): Record<string, string> {
  if (bytes === undefined) {
    return {}
  }
  return { EphemeralStorage: String(Math.max(Number(has ?? 0), storageMbFor(bytes))) }
}
