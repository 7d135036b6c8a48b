import { BoxletError } from '../../errors.ts'
import { loadSdk, sdkFault } from '../sdk.ts'
import { artefactBucketName, countObjects, deleteBucket } from './artefacts.ts'
import { type AwsSession, awsFault } from './session.ts'
import { deleteStack, describeStack, outputsOf, type WaitOptions } from './stack.ts'

/** What there is to lose, to be shown before anything goes. */
export interface Inventory {
  stack: string
  status: string
  /** Pictures and results; undefined without a data bucket. */
  dataBucket: { name: string; objects: number } | undefined
  /** Packages of all stacks of Boxlet in this account and region; undefined when there is none. */
  artefactBucket: string | undefined
  /** SSM parameter that a deployment created. */
  keysParameter: string | undefined
}

export async function inventory(
  session: AwsSession,
  name: string,
  artefacts?: string,
): Promise<Inventory | undefined> {
  const stack = await describeStack(session, name)
  if (stack === undefined) return undefined
  const dataBucket = outputsOf(stack).DataBucketName
  const objects = dataBucket === undefined ? undefined : await countObjects(session, dataBucket)
  const artefactBucket = artefacts ?? artefactBucketName(session)
  const parameter = stack.Parameters?.find(
    ({ ParameterKey }) => ParameterKey === 'KeysParameter',
  )?.ParameterValue
  return {
    stack: name,
    status: stack.StackStatus ?? '',
    dataBucket: dataBucket === undefined || objects === undefined ? undefined : { name: dataBucket, objects },
    artefactBucket: (await countObjects(session, artefactBucket)) === undefined ? undefined : artefactBucket,
    // Keys under another name were made by someone else and may serve others.
    keysParameter: parameter === defaultKeysParameter(name) ? parameter : undefined,
  }
}

export const defaultKeysParameter = (stack: string): string => `/boxlet/${stack}/keys`

export interface DestroyOptions {
  deleteData: boolean
  deleteArtefacts: boolean
  onStep(text: string): void
  wait: WaitOptions
}

/** The stack first, so that nothing writes any more; then what was asked for besides. */
export async function destroy(session: AwsSession, found: Inventory, options: DestroyOptions): Promise<void> {
  const { onStep } = options
  onStep(`Deleting the stack ${found.stack}.`)
  await deleteStack(session, found.stack, options.wait)
  if (options.deleteData && found.dataBucket !== undefined) {
    const { name } = found.dataBucket
    onStep(`Deleting the bucket ${name}.`)
    await deleteBucket(session, name, (count) => onStep(`Deleted ${count} objects.`))
  }
  if (options.deleteData && found.keysParameter !== undefined) {
    onStep(`Deleting the keys ${found.keysParameter}.`)
    await deleteParameter(session, found.keysParameter)
  }
  if (options.deleteArtefacts && found.artefactBucket !== undefined) {
    onStep(`Deleting the bucket ${found.artefactBucket}.`)
    await deleteBucket(session, found.artefactBucket, (count) => onStep(`Deleted ${count} objects.`))
  }
}

const ssm = () => loadSdk<typeof import('@aws-sdk/client-ssm')>('@aws-sdk/client-ssm')

async function deleteParameter(session: AwsSession, Name: string): Promise<void> {
  const { SSMClient, DeleteParameterCommand } = ssm()
  try {
    await new SSMClient({ region: session.region }).send(new DeleteParameterCommand({ Name }))
  } catch (error) {
    if (sdkFault(error).name !== 'ParameterNotFound') throw awsFault(`delete the parameter ${Name}`, error)
  }
}

/** True when the parameter exists. */
export async function hasParameter(session: AwsSession, Name: string): Promise<boolean> {
  const { SSMClient, GetParameterCommand } = ssm()
  try {
    await new SSMClient({ region: session.region }).send(new GetParameterCommand({ Name }))
    return true
  } catch (error) {
    if (sdkFault(error).name === 'ParameterNotFound') return false
    throw awsFault(`whether the parameter ${Name} exists`, error)
  }
}

/** Stores keys encrypted. Never replaces what is there: that would lock out those who hold the former keys. */
export async function putParameter(session: AwsSession, Name: string, Value: string): Promise<void> {
  const { SSMClient, PutParameterCommand } = ssm()
  const command = new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: false })
  try {
    await new SSMClient({ region: session.region }).send(command)
  } catch (cause) {
    if (sdkFault(cause).name === 'ParameterAlreadyExists')
      throw new BoxletError('AWS_FAILED', `Expected no parameter ${Name} but it exists.`, { cause })
    throw awsFault(`store the keys in ${Name}`, cause)
  }
}
