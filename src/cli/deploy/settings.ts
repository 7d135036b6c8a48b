import type { KeysChoice } from '../../aws/deploy/keys.ts'
import { partitionOf } from '../../aws/deploy/regions.ts'
import { EPHEMERAL_STORAGE_MB } from '../../aws/template/storage.ts'
import { BoxletError } from '../../errors.ts'
import type { OptionSpec, Options, Settings } from '../kit/option-spec.ts'

export const MEMORY_OPTION = {
  type: 'number',
  says: 'memory of the function in MB',
  group: 'Stack',
  value: 'MB',
  own: true,
  integer: true,
  min: 128,
  max: 10_240,
} as const satisfies OptionSpec

/** Options of `deploy` that become parameters of the stack. What is left out keeps its value. */
export const STACK_OPTIONS = {
  memory: { ...MEMORY_OPTION, otherwise: '1769, which buys one processor' },
  'ephemeral-storage': {
    type: 'number',
    says: 'size of /tmp in MB, billed above 512',
    group: 'Stack',
    value: 'MB',
    integer: true,
    ...EPHEMERAL_STORAGE_MB,
    otherwise: '512, or what a model in S3 needs',
  },
  timeout: {
    type: 'number',
    says: 'time limit of a request in seconds',
    group: 'Stack',
    value: 'S',
    own: true,
    integer: true,
    min: 3,
    max: 900,
    otherwise: '30',
  },
  runtime: {
    type: 'string',
    says: 'runtime of the function',
    group: 'Stack',
    value: 'R',
    choices: ['nodejs22.x', 'nodejs24.x'],
    otherwise: 'nodejs24.x',
  },
  reserved: {
    type: 'number',
    says: 'maximum number of environments at once, which caps the cost; -1 for no cap',
    group: 'Stack',
    integer: true,
    min: -1,
    max: 10_000,
  },
  provisioned: {
    type: 'number',
    says: 'number of environments kept warm, and always billed',
    group: 'Stack',
    integer: true,
    min: 0,
    max: 10_000,
    otherwise: '0',
  },
  auth: {
    type: 'string',
    says: 'what callers need',
    group: 'Access',
    value: 'A',
    own: true,
    choices: { iam: 'they sign with AWS credentials', keys: 'they send a Boxlet key' },
    otherwise: 'iam',
  },
  'keys-parameter': {
    type: 'string',
    says: 'SSM parameter with keys',
    group: 'Access',
    value: 'P',
    otherwise: '/boxlet/STACK/keys, created when missing',
  },
  'keys-secret': {
    type: 'string',
    says: 'Secrets Manager secret with keys instead',
    group: 'Access',
    value: 'ARN',
  },
  'new-keys': {
    type: 'boolean',
    says: 'create and show another pair of keys; existing ones keep working',
    group: 'Access',
  },
  front: {
    type: 'string',
    says: 'what callers call',
    group: 'Access',
    value: 'F',
    choices: {
      url: 'a function URL, which some regions do not have',
      'http-api': 'an API Gateway HTTP API',
      none: 'nothing but invocations',
    },
    otherwise: 'url',
  },
  'http-api': { type: 'boolean', says: 'the same as --front http-api', group: 'Access' },
  'api-logs': { type: 'boolean', says: 'log each request of the HTTP API', group: 'Access' },
  'base-path': {
    type: 'string',
    says: 'path that a custom domain puts in front, such as vision',
    group: 'Access',
    value: 'PATH',
  },
  'api-rate': {
    type: 'number',
    says: 'requests per second that the HTTP API allows',
    group: 'Access',
    integer: true,
    min: 1,
    max: 10_000,
    otherwise: '50',
  },
  'api-burst': {
    type: 'number',
    says: 'burst of requests that the HTTP API allows',
    group: 'Access',
    integer: true,
    min: 1,
    max: 5000,
    otherwise: '100',
  },
  streaming: {
    type: 'boolean',
    says: 'answer as a whole, with 6 MB at most, instead of streaming',
    group: 'Access',
    negation: 'no',
  },
  'cors-origins': {
    type: 'string',
    says: 'origins that browsers may call from',
    group: 'Access',
    value: 'A,B',
    multiple: true,
  },
  pictures: {
    type: 'string',
    says: 'bucket whose objects requests may name, or arn:aws:s3:::BUCKET/PREFIX*',
    group: 'Access',
    value: 'BUCKET',
    own: true,
    multiple: true,
  },
  'data-bucket': {
    type: 'string',
    says: 'create a bucket, or take yours: pictures below incoming/ get results below results/',
    group: 'Access',
    value: 'NAME',
  },
  'worker-concurrency': {
    type: 'number',
    says: 'maximum number of environments at once for those pictures',
    group: 'Access',
    integer: true,
    min: 2,
    max: 1000,
    otherwise: '10',
  },
  async: {
    type: 'boolean',
    says: 'detection that does not wait: jobs over HTTP and for pictures that arrive; --no-async keeps what there is',
    group: 'Jobs',
    negation: 'both',
  },
  'async-events': {
    type: 'string',
    says: 'what is told on the bus',
    group: 'Jobs',
    choices: { jobs: 'that jobs have ended', pictures: 'each picture too' },
    otherwise: 'jobs',
  },
  'async-results': {
    type: 'string',
    says: 'where results of pictures that arrive go besides the table',
    group: 'Jobs',
    choices: { none: 'nowhere', s3: 'below results/ too' },
    otherwise: 'none',
  },
  'async-recovery': { type: 'boolean', says: 'point-in-time recovery of the table', group: 'Jobs' },
  'log-days': {
    type: 'number',
    says: 'days for which logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, 180, 365 and others of CloudWatch',
    group: 'Operation',
    integer: true,
    otherwise: '30',
  },
  watch: {
    type: 'string',
    says: 'what watches the stack',
    group: 'Operation',
    value: 'W',
    choices: { full: 'alarms and a dashboard, billed by the month', none: 'neither' },
    otherwise: 'full',
  },
  'alarm-topic': { type: 'string', says: 'SNS topic for alarms', group: 'Operation', value: 'ARN' },
  tracing: { type: 'boolean', says: 'record X-Ray traces', group: 'Operation' },
  'kms-key': {
    type: 'string',
    says: 'your own key for variables, logs and keys',
    group: 'Operation',
    value: 'ARN',
  },
  subnets: {
    type: 'string',
    says: 'subnets of a VPC, together with --security-groups',
    group: 'Operation',
    value: 'A,B',
    multiple: true,
  },
  'security-groups': {
    type: 'string',
    says: 'security groups of the VPC',
    group: 'Operation',
    value: 'A,B',
    multiple: true,
  },
} as const satisfies Options

export type StackSettings = Settings<typeof STACK_OPTIONS>

/** Only what was chosen: what is left out keeps its value. Keys are decided elsewhere. */
export function chosenParameters(values: StackSettings, region: string): Record<string, string> {
  const chosen: Record<string, string | number | boolean | undefined> = {
    MemorySize: values.memory,
    EphemeralStorage: values['ephemeral-storage'],
    Timeout: values.timeout,
    Runtime: values.runtime,
    Streaming: values.streaming,
    Front: frontOf(values),
    ApiLogs: values['api-logs'],
    BasePath: values['base-path'],
    ApiRate: values['api-rate'],
    ApiBurst: values['api-burst'],
    PictureArns: values.pictures
      ?.flatMap(list)
      .map((place) => pictureArn(place, partitionOf(region)))
      .join(','),
    DataBucketName: values['data-bucket'],
    WorkerConcurrency: values['worker-concurrency'],
    Jobs: values.async === undefined ? undefined : values.async ? 'on' : 'paused',
    JobEvents: values['async-events'],
    JobResults: values['async-results'],
    JobRecovery: values['async-recovery'],
    ReservedConcurrency: values.reserved,
    ProvisionedConcurrency: values.provisioned,
    LogRetentionDays: values['log-days'],
    Watch: values.watch,
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

/** @throws BoxletError USAGE where the two options contradict one another */
function frontOf({ front, 'http-api': api }: StackSettings): string | undefined {
  if (api === undefined) {
    return front
  }
  if (front !== undefined && api !== (front === 'http-api')) {
    throw new BoxletError('USAGE', `Expected --front or --http-api but received both, and they differ.`, {
      hint: 'Leave --http-api out.',
    })
  }
  return front ?? (api ? 'http-api' : 'url')
}

export const keysChoice = (values: StackSettings): KeysChoice => ({
  auth: values.auth,
  parameter: values['keys-parameter'],
  secret: values['keys-secret'],
  fresh: values['new-keys'] ?? false,
})

export const list = (text: string): string[] => text.split(',').map((part) => part.trim())

/** A bucket stands for all its objects; an empty text, which takes the permission back, for none. */
function pictureArn(place: string, partition: string): string {
  if (place === '') {
    return ''
  }
  const arn = place.startsWith('arn:') ? place : `arn:${partition}:s3:::${place}`
  return arn.includes('/') ? arn : `${arn}/*`
}
