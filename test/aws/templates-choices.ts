/** Parameters of the stacks that the tests look at. */

/** With keys and a bucket that the stack makes. */
export const CHOSEN = {
  Auth: 'keys',
  KeysParameter: '/boxlet/test/keys',
  DataBucketName: 'test-pictures',
} as const

/** Every part of the stack that can be chosen, each with a value. */
export const EVERYTHING = {
  ...CHOSEN,
  Revision: 'r1',
  CreateDataBucket: 'false',
  KeysSecretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys-AbCdEf',
  KmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444',
  Front: 'http-api',
  ApiLogs: 'true',
  BasePath: 'vision',
  ApiRate: 7,
  ApiBurst: 9,
  CorsOrigins: 'https://a.example,https://b.example',
  PictureArns: 'arn:aws:s3:::photos/*,arn:aws:s3:::more/*',
  SubnetIds: 'subnet-0a1b2c3d,subnet-1a2b3c4d',
  SecurityGroupIds: 'sg-0a1b2c3d',
  ModelLocation: 'models/abc',
  LayerKey: 'packages/layer.zip',
  Tracing: 'Active',
  Streaming: 'false',
  Architecture: 'x86_64',
  Runtime: 'nodejs22.x',
  MemorySize: 1024,
  EphemeralStorage: 1024,
  Timeout: 20,
  LogRetentionDays: 7,
  ProvisionedConcurrency: 2,
  ReservedConcurrency: 5,
  WorkerConcurrency: 3,
  AlarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:alarms',
} as const

/** The same with jobs. */
export const WITH_JOBS = {
  ...EVERYTHING,
  Jobs: 'on',
  JobEvents: 'pictures',
  JobResults: 's3',
  JobRecovery: 'true',
} as const
