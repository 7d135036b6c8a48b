import type { KeysChoice } from '../../aws/deploy/keys.ts'
import { EPHEMERAL_STORAGE_MB } from '../../aws/template/storage.ts'
import type { OptionSpec, Settings } from '../kit/config.ts'

/** Options of `deploy` that become parameters of the stack. */
export const STACK_OPTIONS = {
  memory: { type: 'number', integer: true, min: 128, max: 10_240 },
  'ephemeral-storage': { type: 'number', integer: true, ...EPHEMERAL_STORAGE_MB },
  timeout: { type: 'number', integer: true, min: 3, max: 900 },
  runtime: { type: 'string', choices: ['nodejs22.x', 'nodejs24.x'] },
  auth: { type: 'string', choices: ['iam', 'keys'] },
  'keys-parameter': { type: 'string' },
  'keys-secret': { type: 'string' },
  'new-keys': { type: 'boolean' },
  streaming: { type: 'boolean' },
  'http-api': { type: 'boolean' },
  'api-rate': { type: 'number', integer: true, min: 1, max: 10_000 },
  'api-burst': { type: 'number', integer: true, min: 1, max: 5000 },
  pictures: { type: 'string', multiple: true },
  'data-bucket': { type: 'string' },
  'worker-concurrency': { type: 'number', integer: true, min: 2, max: 1000 },
  reserved: { type: 'number', integer: true, min: -1, max: 10_000 },
  provisioned: { type: 'number', integer: true, min: 0, max: 10_000 },
  'log-days': { type: 'number', integer: true },
  watch: { type: 'string', choices: ['full', 'none'] },
  'alarm-topic': { type: 'string' },
  'kms-key': { type: 'string' },
  subnets: { type: 'string', multiple: true },
  'security-groups': { type: 'string', multiple: true },
  tracing: { type: 'boolean' },
  'cors-origins': { type: 'string', multiple: true },
} as const satisfies Record<string, OptionSpec>

export type StackSettings = Settings<typeof STACK_OPTIONS>

/** Only what was chosen: what is left out keeps its value. Keys are decided elsewhere. */
export function chosenParameters(values: StackSettings, region: string): Record<string, string> {
  const chosen: Record<string, string | number | boolean | undefined> = {
    MemorySize: values.memory,
    EphemeralStorage: values['ephemeral-storage'],
    Timeout: values.timeout,
    Runtime: values.runtime,
    Streaming: values.streaming,
    HttpApi: values['http-api'],
    ApiRate: values['api-rate'],
    ApiBurst: values['api-burst'],
    PictureArns: values.pictures
      ?.flatMap(list)
      .map((place) => pictureArn(place, partitionOf(region)))
      .join(','),
    DataBucketName: values['data-bucket'],
    WorkerConcurrency: values['worker-concurrency'],
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

const partitionOf = (region: string): string =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
