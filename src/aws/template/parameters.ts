import type { Parameter, Value } from './cloudformation.ts'
import { equals, filled, not, ref } from './cloudformation.ts'

/** CPU of one processor exactly; half of it doubles the time at the same price. */
export const DEFAULT_MEMORY_MB = 1769
export const DEFAULT_RUNTIME = 'nodejs24.x'
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653]

const text = (Description: string, Default = '', more: Partial<Parameter> = {}): Parameter => ({
  Type: 'String',
  Description,
  Default,
  ...more,
})
const number = (Description: string, Default: number, MinValue: number, MaxValue: number): Parameter => ({
  Type: 'Number',
  Description,
  Default,
  MinValue,
  MaxValue,
})

export const PARAMETERS: Record<string, Parameter> = {
  CodeBucket: { Type: 'String', Description: 'Bucket that holds the package.' },
  CodeKey: { Type: 'String', Description: 'Key of the package in that bucket.' },
  LayerKey: text('Key of a layer with the model, in the same bucket. Empty: none.'),
  ModelLocation: text(
    'bucket/folder of a model in S3, without s3:// in front. Empty: in the package or layer.',
  ),
  ModelFile: text('manifest.json of a packaged model in that folder, or any ONNX file.', 'manifest.json'),
  Architecture: text('Processor of the function; that of the package.', 'arm64', {
    AllowedValues: ['arm64', 'x86_64'],
  }),
  Runtime: text('Managed runtime.', DEFAULT_RUNTIME, { AllowedValues: ['nodejs22.x', 'nodejs24.x'] }),
  MemorySize: number('Megabytes; 1769 of them buy one processor.', DEFAULT_MEMORY_MB, 128, 10240),
  Timeout: number('Seconds that one request may take.', 30, 3, 900),
  Auth: text('iam: callers sign with AWS credentials. keys: callers send a Boxlet key.', 'iam', {
    AllowedValues: ['iam', 'keys'],
  }),
  KeysParameter: text('Name of the SSM parameter that holds the Boxlet keys, with its leading slash.', '', {
    AllowedPattern: '^(/[A-Za-z0-9_.-]+)*$',
  }),
  KeysSecretArn: text('ARN of the Secrets Manager secret that holds the Boxlet keys.'),
  Streaming: text('Answers as they are written, up to 200 MB instead of 6.', 'true', {
    AllowedValues: ['true', 'false'],
  }),
  HttpApi: text('Adds an API Gateway HTTP API, for custom domains and throttling.', 'false', {
    AllowedValues: ['true', 'false'],
  }),
  PictureArns: {
    Type: 'CommaDelimitedList',
    Description: 'ARNs of S3 objects that requests may name, such as arn:aws:s3:::photos/*. Empty: none.',
    Default: '',
  },
  DataBucketName: text(
    'Creates this bucket: pictures below incoming/ get results below results/. Empty: none.',
  ),
  LogRetentionDays: {
    Type: 'Number',
    Description: 'Days that logs are kept.',
    Default: 30,
    AllowedValues: RETENTION_DAYS,
  },
  AlarmTopicArn: text('SNS topic that alarms notify. Empty: alarms change state only.'),
  ReservedConcurrency: number(
    'Most environments at once, which caps the cost. -1: no own cap.',
    -1,
    -1,
    10_000,
  ),
  ProvisionedConcurrency: number('Environments that are always warm and always billed.', 0, 0, 10_000),
  KmsKeyArn: text('Customer key for variables, logs and keys. Empty: keys of AWS.'),
  SubnetIds: { Type: 'CommaDelimitedList', Description: 'Subnets of a VPC. Empty: none.', Default: '' },
  SecurityGroupIds: {
    Type: 'CommaDelimitedList',
    Description: 'Security groups in that VPC. Empty: none.',
    Default: '',
  },
  Tracing: text('X-Ray traces.', 'PassThrough', { AllowedValues: ['PassThrough', 'Active'] }),
  CorsOrigins: text('Origins that browsers may call from, with commas. Empty: none.'),
}

/** An empty list has no first entry to look at, so its entries are joined. */
const joined = (parameter: string): Value => ({ 'Fn::Join': ['', ref(parameter)] })

export const CONDITIONS: Record<string, Value> = {
  HasLayer: filled('LayerKey'),
  HasModelLocation: filled('ModelLocation'),
  UsesKeys: equals(ref('Auth'), 'keys'),
  HasKeysParameter: filled('KeysParameter'),
  HasKeysSecret: filled('KeysSecretArn'),
  Streams: equals(ref('Streaming'), 'true'),
  HasHttpApi: equals(ref('HttpApi'), 'true'),
  HasPictures: not(equals(joined('PictureArns'), '')),
  HasData: filled('DataBucketName'),
  HasTopic: filled('AlarmTopicArn'),
  HasReserved: not(equals(ref('ReservedConcurrency'), -1)),
  HasProvisioned: not(equals(ref('ProvisionedConcurrency'), 0)),
  HasKmsKey: filled('KmsKeyArn'),
  HasVpc: not(equals(joined('SubnetIds'), '')),
  Traces: equals(ref('Tracing'), 'Active'),
  HasCors: filled('CorsOrigins'),
}

/** Refuses a stack that would be open to everyone, or that could not start. */
export const RULES: Record<string, Value> = {
  KeysNeedAStore: {
    RuleCondition: equals(ref('Auth'), 'keys'),
    Assertions: [
      {
        Assert: {
          'Fn::Not': [equals({ 'Fn::Join': ['', [ref('KeysParameter'), ref('KeysSecretArn')]] }, '')],
        },
        AssertDescription: 'Auth "keys" needs KeysParameter or KeysSecretArn.',
      },
    ],
  },
}
