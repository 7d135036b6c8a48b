import type { StackEvent } from '@aws-sdk/client-cloudformation'
import type { PlannedChange } from '../../aws/deploy/changes.ts'
import type { DeployResult } from '../../aws/deploy/deploy.ts'
import type { CreatedKeys } from '../../aws/deploy/keys.ts'
import { counted } from '../../system/words.ts'

const REPLACED = { yes: ' (is replaced)', perhaps: ' (may be replaced)', no: '' } as const
const MARKS = {
  permissions: ' [permissions]',
  public: ' [reachable by everyone; the function asks for a key]',
} as const

export function formatChanges(changes: readonly PlannedChange[]): string {
  const lines = changes.flatMap(({ action, resource, type, replaced, properties, marks }) => [
    `  ${action.padEnd(7)} ${resource} ${type}${REPLACED[replaced]}${marks.map((mark) => MARKS[mark]).join('')}`,
    ...properties.map((property) => `            ${property}`),
  ])
  const head =
    changes.length === 0
      ? 'Only what the stack says of itself changes.'
      : `${counted(changes.length, 'change')}:`
  return `${[head, ...lines].join('\n')}\n`
}

export function formatEvent(event: StackEvent): string {
  const { Timestamp, ResourceStatus, LogicalResourceId, ResourceStatusReason } = event
  const time = Timestamp?.toISOString().slice(11, 19) ?? ''
  const reason = ResourceStatusReason === undefined ? '' : `  ${ResourceStatusReason}`
  return `  ${time}  ${(ResourceStatus ?? '').padEnd(20)}  ${LogicalResourceId}${reason}\n`
}

export const formatKeys = ({ bearer, accessKeyId, secretAccessKey }: CreatedKeys): string =>
  `Keys, shown only now; keep them where you keep passwords:\n  bearer  ${bearer}\n  AWS SDK ${accessKeyId} ${secretAccessKey}\n`

/** What the checks have shown, one line each. */
export function checkLines({ smoke, endpoint, unchecked }: DeployResult): string[] {
  const lines: string[] = []
  if (smoke !== undefined) {
    lines.push(
      `${smoke.model} detects: first call ${Math.round(smoke.firstMs)} ms, second call ${Math.round(smoke.secondMs)} ms.`,
    )
  }
  if (endpoint?.reached === false) {
    lines.push(`Skipped, which is no failure: the endpoint was not called, since ${endpoint.reason}.`)
  }
  if (endpoint?.reached === true) {
    lines.push(endpoint.detects ? 'The endpoint detects.' : 'The endpoint answers and asks for a key.')
  }
  if (unchecked !== undefined) {
    lines.push(
      `The stack is ready, but not all is well: ${unchecked.message} ${unchecked.hint ?? ''} [${unchecked.code}]`,
    )
  }
  return lines
}

/** An empty token would be signed and not be sent by some versions of curl, which AWS answers with 403. */
function signedCall(region: string, service: string, hasToken: boolean): string {
  const token = hasToken ? ' -H "x-amz-security-token: $AWS_SESSION_TOKEN"' : ''
  return `--aws-sigv4 "aws:amz:${region}:${service}" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"${token}`
}

/** A call to copy, with the kind of credentials that the stack asks for. */
export function formatExample(
  { outputs, parameters }: DeployResult,
  region: string,
  created: CreatedKeys | undefined,
  hasToken: boolean,
): string {
  const url = outputs.Endpoint ?? outputs.ApiEndpoint
  if (url === undefined) {
    return ''
  }
  const credentials =
    parameters.Auth === 'keys'
      ? `-H "authorization: Bearer ${created?.bearer ?? '$BOXLET_KEY'}"`
      : signedCall(region, outputs.Endpoint === undefined ? 'execute-api' : 'lambda', hasToken)
  return `Try it:\n  curl ${credentials} --data-binary @photo.jpg ${url}v1/detect\n`
}
