import type { Change, StackEvent } from '@aws-sdk/client-cloudformation'
import { artefactBucketName } from '../aws/deploy/artefacts.ts'
import { deploy } from '../aws/deploy/deploy.ts'
import { defaultKeysParameter, hasParameter, putParameter } from '../aws/deploy/destroy.ts'
import { type AwsSession, openSession } from '../aws/deploy/session.ts'
import { loadSharp } from '../image/load-sharp.ts'
import { createAccessKey, createBearerKey } from '../server/create-key.ts'
import { readSettings, type Settings } from './config.ts'
import { confirm } from './confirm.ts'
import { DEFAULT_MODEL } from './model-options.ts'
import { PACKAGE_HELP, PACKAGE_OPTIONS, packageFor } from './package-options.ts'
import { DEFAULT_STACK, optionsAlone, stackName } from './stack-name.ts'
import type { ExitCode, Io, Verb } from './verb.ts'

const OPTIONS = {
  ...PACKAGE_OPTIONS,
  stack: { type: 'string' },
  region: { type: 'string' },
  memory: { type: 'number', integer: true, min: 128, max: 10_240 },
  timeout: { type: 'number', integer: true, min: 3, max: 900 },
  runtime: { type: 'string', choices: ['nodejs22.x', 'nodejs24.x'] },
  auth: { type: 'string', choices: ['iam', 'keys'] },
  'keys-parameter': { type: 'string' },
  'keys-secret': { type: 'string' },
  streaming: { type: 'boolean' },
  'http-api': { type: 'boolean' },
  pictures: { type: 'string', multiple: true },
  'data-bucket': { type: 'string' },
  reserved: { type: 'number', integer: true, min: -1, max: 10_000 },
  provisioned: { type: 'number', integer: true, min: 0, max: 10_000 },
  'log-days': { type: 'number', integer: true, min: 1, max: 3653 },
  'alarm-topic': { type: 'string' },
  'kms-key': { type: 'string' },
  subnets: { type: 'string', multiple: true },
  'security-groups': { type: 'string', multiple: true },
  tracing: { type: 'boolean' },
  'cors-origins': { type: 'string', multiple: true },
  artefacts: { type: 'string' },
  smoke: { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

export const verb: Verb = {
  name: 'deploy',
  summary: 'Deploy a model to AWS Lambda behind an HTTPS endpoint.',
  help: `boxlet deploy [options]

Builds the package, uploads it, shows what will change, asks, changes it, sends a picture, and prints the
endpoint. Run it again to update: options that are left out keep their value. An interrupted run goes on with
the next one. When an update does not detect, the version before comes back.

${PACKAGE_HELP}

Stack
  --stack NAME          name of the stack (default ${DEFAULT_STACK})
  --region R            region (default: AWS_REGION or the profile's)
  --memory MB           128-10240 (default 1769, which buys one processor)
  --timeout S           seconds for a request (default 30)
  --runtime R           nodejs24.x | nodejs22.x (default nodejs24.x)
  --reserved N          most environments at once, which caps the cost (-1: no own cap)
  --provisioned N       environments that are always warm and always billed (default 0)

Access
  --auth A              iam: callers sign with AWS credentials; keys: callers send a Boxlet key (default iam)
  --keys-parameter P    SSM parameter with keys (default /boxlet/STACK/keys, made when it is missing)
  --keys-secret ARN     Secrets Manager secret with keys instead
  --http-api            adds an API Gateway HTTP API
  --no-streaming        answers whole, 6 MB at most
  --cors-origins A,B    origins that browsers may call from
  --pictures BUCKET     bucket whose objects requests may name (may be repeated)
  --data-bucket NAME    makes a bucket: pictures below incoming/ get results below results/

Operation
  --log-days N          days that logs are kept (default 30)
  --alarm-topic ARN     SNS topic for alarms
  --tracing             X-Ray traces
  --kms-key ARN         customer key for variables, logs and keys
  --subnets A,B         subnets of a VPC, with --security-groups A,B
  --artefacts BUCKET    bucket for packages (default boxlet-ACCOUNT-REGION, made when it is missing)
  --no-smoke            sends no picture at the end
  --yes, -y             does not ask
  --format F            text | json (default text)

Examples
  boxlet deploy --model yolov8n --accept-licence AGPL-3.0
  boxlet deploy --model fridge.onnx --labels class_map.json --stack fridge --auth keys
  boxlet deploy --memory 3008 --yes
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('deploy', args, OPTIONS, io.env)
  optionsAlone('deploy', positionals)
  const stack = stackName(values.stack)
  const say = (text: string) => io.stderr.write(`boxlet: ${text}\n`)
  // Credentials first: nobody wants to wait for a package that cannot be deployed.
  const session = await openSession(values.region)
  say(`Deploying "${stack}" to ${session.region} as ${session.caller}.`)
  const built = await packageFor(values, values.model ?? DEFAULT_MODEL, io)
  const keys = await prepareKeys(session, stack, values)
  const result = await deploy(session, {
    stack,
    artefactBucket: values.artefacts ?? artefactBucketName(session),
    built,
    parameters: { ...parametersOf(values, session), ...keys.parameters },
    confirm: async (changes, first) => {
      io.stderr.write(formatChanges(changes))
      if (values.yes) return true
      return confirm(io, first ? `Create the stack "${stack}"?` : `Change the stack "${stack}"?`, '--yes')
    },
    onStep: say,
    onEvent: (event) => io.stderr.write(formatEvent(event)),
    smokePicture: values.smoke === false || values.model === 'none' ? undefined : await smokePicture(),
    signal: io.signal,
  })
  if (result.outcome === 'declined') {
    say('Nothing was changed.')
    return 3
  }
  const { outputs, smoke, outcome } = result
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify({ stack, outcome, outputs, smoke, keys: keys.created }, null, 2)}\n`)
    return 0
  }
  if (outcome === 'unchanged') say('The stack is as wanted already.')
  if (smoke !== undefined)
    say(
      `${smoke.model} answered in ${Math.round(smoke.coldMs)} ms from cold and ${Math.round(smoke.warmMs)} ms warm.`,
    )
  const uses = keys.created !== undefined || values.auth === 'keys' || values['keys-secret'] !== undefined
  io.stdout.write(`${outputs.Endpoint ?? outputs.FunctionName ?? ''}\n`)
  io.stderr.write(example(outputs, uses, session.region, keys.created))
  return 0
}

interface CreatedKeys {
  bearer: string
  accessKeyId: string
  secretAccessKey: string
}

interface PreparedKeys {
  parameters: Record<string, string>
  /** Shown once, since only a hash of the bearer key is kept. */
  created: CreatedKeys | undefined
}

/** Makes the first keys of a stack, so that nobody has to know how they are stored. */
async function prepareKeys(
  session: AwsSession,
  stack: string,
  values: Settings<typeof OPTIONS>,
): Promise<PreparedKeys> {
  const secret = values['keys-secret']
  if (secret !== undefined) return { parameters: { Auth: 'keys', KeysSecretArn: secret }, created: undefined }
  const given = values['keys-parameter']
  if (values.auth !== 'keys' && given === undefined)
    return { parameters: values.auth === undefined ? {} : { Auth: values.auth }, created: undefined }
  const name = given ?? defaultKeysParameter(stack)
  const parameters = { Auth: 'keys', KeysParameter: name }
  if (await hasParameter(session, name)) return { parameters, created: undefined }
  const now = new Date()
  const bearer = await createBearerKey('first', now)
  const access = createAccessKey('first', now)
  await putParameter(session, name, JSON.stringify({ version: 1, keys: [bearer.stored, access.stored] }))
  return {
    parameters,
    created: { bearer: bearer.key, accessKeyId: access.stored.id, secretAccessKey: access.secret },
  }
}

function parametersOf(values: Settings<typeof OPTIONS>, session: AwsSession): Record<string, string> {
  const partition = session.region.startsWith('cn-')
    ? 'aws-cn'
    : session.region.startsWith('us-gov-')
      ? 'aws-us-gov'
      : 'aws'
  const chosen: Record<string, string | number | undefined> = {
    MemorySize: values.memory,
    Timeout: values.timeout,
    Runtime: values.runtime,
    Streaming: values.streaming === undefined ? undefined : String(values.streaming),
    HttpApi: values['http-api'] === undefined ? undefined : String(values['http-api']),
    PictureArns: values.pictures
      ?.flatMap(list)
      .map((bucket) => `arn:${partition}:s3:::${bucket}/*`)
      .join(','),
    DataBucketName: values['data-bucket'],
    ReservedConcurrency: values.reserved,
    ProvisionedConcurrency: values.provisioned,
    LogRetentionDays: values['log-days'],
    AlarmTopicArn: values['alarm-topic'],
    KmsKeyArn: values['kms-key'],
    SubnetIds: values.subnets?.flatMap(list).join(','),
    SecurityGroupIds: values['security-groups']?.flatMap(list).join(','),
    Tracing: values.tracing === undefined ? undefined : values.tracing ? 'Active' : 'PassThrough',
    CorsOrigins: values['cors-origins']?.flatMap(list).join(','),
  }
  return Object.fromEntries(
    Object.entries(chosen).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
}

const list = (text: string): string[] => text.split(',').map((part) => part.trim())

function formatChanges(changes: readonly Change[]): string {
  const lines = changes.map(({ ResourceChange: change }) => {
    const replaces = change?.Replacement === 'True' ? ' (is replaced)' : ''
    return `  ${(change?.Action ?? '').padEnd(7)} ${change?.LogicalResourceId} ${change?.ResourceType}${replaces}`
  })
  return `${[`${changes.length} changes:`, ...lines].join('\n')}\n`
}

function formatEvent({
  Timestamp,
  ResourceStatus,
  LogicalResourceId,
  ResourceStatusReason,
}: StackEvent): string {
  const time = Timestamp?.toISOString().slice(11, 19) ?? ''
  const reason = ResourceStatusReason === undefined ? '' : `  ${ResourceStatusReason}`
  return `  ${time}  ${(ResourceStatus ?? '').padEnd(20)}  ${LogicalResourceId}${reason}\n`
}

/** Something to decode; what is in it does not matter, since only the way through is checked. */
async function smokePicture(): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#7799bb' } })
    .jpeg()
    .toBuffer()
}

function example(
  outputs: Record<string, string>,
  usesKeys: boolean,
  region: string,
  created: CreatedKeys | undefined,
): string {
  const url = outputs.Endpoint
  if (url === undefined) return ''
  const credentials = usesKeys
    ? `-H "authorization: Bearer ${created?.bearer ?? '$BOXLET_KEY'}"`
    : `--aws-sigv4 "aws:amz:${region}:lambda" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN"`
  const keys =
    created === undefined
      ? ''
      : `Keys, shown only now:\n  bearer  ${created.bearer}\n  AWS SDK ${created.accessKeyId} ${created.secretAccessKey}\n`
  return `${keys}Try it:\n  curl ${credentials} --data-binary @photo.jpg ${url}v1/detect\n`
}
