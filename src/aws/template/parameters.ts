import { MB_PER_VCPU } from '../emulator/function-config.ts'
import type { Parameter } from './cloudformation.ts'
import { arnPattern, choice, listOf, number, optional, text } from './parameter.ts'
import { SOURCES } from './sources/sources.ts'
import { EPHEMERAL_STORAGE_MB } from './storage.ts'

/** One processor exactly; half of it doubles the time at the same price. */
export const DEFAULT_MEMORY_MB = MB_PER_VCPU
const DEFAULT_RUNTIME = 'nodejs24.x'
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653]
/** The revision is a part of a description, which has room for 256 characters. */
const MAX_REVISION = 64

/** A permission for an ARN without its last six letters would fit nothing. */
export const SECRET_ARN = `${arnPattern('secretsmanager')}-[A-Za-z0-9]{6}`

export const PARAMETERS: Record<string, Parameter> = {
  CodeBucket: { Type: 'String', Description: 'Bucket that holds the package.' },
  CodeKey: { Type: 'String', Description: 'Key of the package in that bucket.' },
  Revision: text(
    'Any text, such as a hash of the package and all other parameters. A new one publishes a new version: change it with every update, or callers stay on the version before.',
    '',
    { MaxLength: MAX_REVISION },
  ),
  LayerKey: text('Key of a layer with the model, in the same bucket. Empty: none.'),
  ModelLocation: text(
    'bucket/folder of a model in S3, without s3:// in front. Empty: in the package or layer.',
  ),
  ModelFile: text('manifest.json of a packaged model in that folder, or any ONNX file.', 'manifest.json'),
  Architecture: choice('Processor of the function; that of the package.', 'arm64', 'x86_64'),
  Runtime: choice('Managed runtime.', DEFAULT_RUNTIME, 'nodejs22.x'),
  MemorySize: number(`Megabytes; ${MB_PER_VCPU} of them buy one processor.`, DEFAULT_MEMORY_MB, 128, 10240),
  EphemeralStorage: number(
    'Megabytes of /tmp, billed above 512. A model in S3 has to fit there.',
    EPHEMERAL_STORAGE_MB.min,
    EPHEMERAL_STORAGE_MB.min,
    EPHEMERAL_STORAGE_MB.max,
  ),
  Timeout: number('Seconds that one request may take.', 30, 3, 900),
  Auth: choice(
    'iam: callers sign with AWS credentials. keys: callers send a Boxlet key, and the address is open to all who have one.',
    'iam',
    'keys',
  ),
  KeysParameter: text('Name of the SSM parameter that holds the Boxlet keys, with its leading slash.', '', {
    AllowedPattern: '^(/[A-Za-z0-9_.-]+)*$',
  }),
  KeysSecretArn: optional(
    'Whole ARN, with the six letters at its end, of the Secrets Manager secret that holds the Boxlet keys.',
    SECRET_ARN,
  ),
  Streaming: choice('Answers as they are written, up to 200 MB instead of 6.', 'true', 'false'),
  Front: choice(
    'What callers call. url: a function URL, which not every region has. http-api: an API Gateway HTTP API instead, for custom domains and throttling. none: nothing but invocations.',
    'url',
    'http-api',
    'none',
  ),
  ApiLogs: choice('Writes a line for each request of the HTTP API into a log group.', 'false', 'true'),
  BasePath: optional(
    'Path that a custom domain puts in front of ours, such as vision. Empty: none.',
    '/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*',
  ),
  ApiRate: number('Requests a second that the HTTP API lets through.', 50, 1, 10_000),
  ApiBurst: number('Requests at once that the HTTP API lets through.', 100, 1, 5000),
  PictureArns: listOf(
    'ARNs of S3 objects that requests may name, such as arn:aws:s3:::photos/*, with commas. Empty: none.',
    'arn:[a-z-]+:s3:::[^,]+',
  ),
  LogRetentionDays: {
    Type: 'Number',
    Description: 'Days that logs are kept.',
    Default: 30,
    AllowedValues: RETENTION_DAYS,
  },
  Watch: choice('Alarms and a dashboard. none: neither, where their price matters.', 'full', 'none'),
  AlarmTopicArn: optional(
    'ARN of an SNS topic that alarms notify. Empty: alarms change state only.',
    arnPattern('sns'),
  ),
  ReservedConcurrency: number(
    'Environments at once that answer requests, which caps the cost. -1: no own cap.',
    -1,
    -1,
    10_000,
  ),
  ProvisionedConcurrency: number('Environments that are always warm and always billed.', 0, 0, 10_000),
  KmsKeyArn: optional(
    'ARN of a customer key for variables, logs and keys. Empty: keys of AWS.',
    arnPattern('kms'),
  ),
  SubnetIds: listOf('Subnets of a VPC, with commas. Empty: none.', 'subnet-[0-9a-z]+'),
  SecurityGroupIds: listOf('Security groups in that VPC, with commas. Empty: none.', 'sg-[0-9a-z]+'),
  Tracing: choice('X-Ray traces.', 'PassThrough', 'Active'),
  CorsOrigins: text('Origins that browsers may call from, with commas. Empty: none.'),
  ...Object.assign({}, ...SOURCES.map(({ parameters }) => parameters)),
}
