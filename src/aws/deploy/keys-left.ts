/** Which parameters with keys a stack has made, however often its keys were moved from one to another. */
import { loadSdk, sdkFault } from '../clients/sdk.ts'
import { defaultKeysParameter, hasParameter, STACK_TAG } from './keys.ts'
import { type AwsSession, awsFault } from './session.ts'

export interface KeysLeft {
  /** Made for this stack. */
  own: string[]
  /** The one in use, where it was there before, so that it may serve others. */
  foreign: string | undefined
}

/** @param used parameter that the stack has, or had; empty without */
export async function keysLeft(session: AwsSession, stack: string, used: string): Promise<KeysLeft> {
  const tagged = await taggedParameters(session, stack)
  const usual = defaultKeysParameter(stack)
  const own = new Set(tagged)
  // The usual place is ours by its name, for those who may not look for tags.
  if (!own.has(usual) && (await exists(session, usual, used === usual))) {
    own.add(usual)
  }
  const foreign = used !== '' && !own.has(used) && (await exists(session, used, true)) ? used : undefined
  return { own: [...own].sort(), foreign }
}

/** Who has nothing to do with SSM may be without any right there, and then has no keys in it either. */
async function exists(session: AwsSession, name: string, isUsed: boolean): Promise<boolean> {
  try {
    return await hasParameter(session, name)
  } catch (error) {
    if (!isUsed && isDenied((error as Error).cause)) {
      return false
    }
    throw error
  }
}

const isDenied = (cause: unknown): boolean => sdkFault(cause).name === 'AccessDeniedException'

async function taggedParameters(session: AwsSession, stack: string): Promise<string[]> {
  const { SSMClient, DescribeParametersCommand } =
    loadSdk<typeof import('@aws-sdk/client-ssm')>('@aws-sdk/client-ssm')
  const client = new SSMClient({ region: session.region })
  const names: string[] = []
  let NextToken: string | undefined
  try {
    do {
      const page = await client.send(
        new DescribeParametersCommand({
          ParameterFilters: [{ Key: `tag:${STACK_TAG}`, Values: [stack] }],
          NextToken,
        }),
      )
      for (const { Name } of page.Parameters ?? []) {
        if (Name !== undefined) {
          names.push(Name)
        }
      }
      NextToken = page.NextToken
    } while (NextToken !== undefined)
  } catch (error) {
    if (isDenied(error)) {
      return []
    }
    throw awsFault(`list the parameters of the stack ${stack}`, error)
  }
  return names
}
