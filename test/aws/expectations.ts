/** What every way to deploy must give, resource by resource; `templates-facts.ts` says how it is written. */
import { expect } from 'vitest'
import { EVERYTHING } from './templates-choices.ts'
import type { Facts } from './templates-facts.ts'

const ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '33554432',
  MALLOC_TRIM_THRESHOLD_: '536870912',
  MALLOC_TOP_PAD_: '67108864',
}

/** The function, its address and its logs with nothing chosen. Roles and alarms are looked at by themselves. */
export const PLAIN: Facts = {
  Function: {
    FunctionName: 'test',
    Description:
      'Boxlet, auth iam, nodejs24.x arm64, 1769 MB, 30 s, url, streaming true, tracing PassThrough',
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    MemorySize: '1769',
    EphemeralStorage: { Size: '512' },
    Timeout: '30',
    Handler: 'index.streaming',
    Role: '<Role.Arn>',
    LoggingConfig: { LogGroup: '<LogGroup>' },
    TracingConfig: { Mode: 'PassThrough' },
    Environment: { Variables: { ...ALLOCATOR, BOXLET_SERVICE: 'test', BOXLET_AUTH: 'iam' } },
  },
  Version: {
    FunctionName: '<Function>',
    Description:
      'Boxlet, auth iam, nodejs24.x arm64, 1769 MB, 30 s, url, streaming true, tracing PassThrough',
  },
  Alias: { Name: 'live', FunctionName: '<Function>', FunctionVersion: '<Version.Version>' },
  Url: {
    TargetFunctionArn: '<Alias>',
    AuthType: 'AWS_IAM',
    InvokeMode: 'RESPONSE_STREAM',
  },
  UrlPermission: {
    FunctionName: '<Alias>',
    Action: 'lambda:InvokeFunctionUrl',
    Principal: '<AWS::AccountId>',
    FunctionUrlAuthType: 'AWS_IAM',
  },
  UrlInvokePermission: {
    FunctionName: '<Alias>',
    Action: 'lambda:InvokeFunction',
    Principal: '<AWS::AccountId>',
    InvokedViaFunctionUrl: true,
  },
  LogGroup: { DeletionPolicy: 'Delete', LogGroupName: '/aws/lambda/test', RetentionInDays: '30' },
}

const CORS = {
  AllowOrigins: ['https://a.example', 'https://b.example'],
  AllowMethods: ['GET', 'POST'],
  AllowHeaders: [
    'authorization',
    'content-type',
    'x-api-key',
    'x-request-id',
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-security-token',
    'x-amz-target',
    'x-amz-user-agent',
    'amz-sdk-invocation-id',
    'amz-sdk-request',
  ],
  ExposeHeaders: ['x-request-id', 'server-timing', 'retry-after'],
  MaxAge: '600',
}
const EVERYTHING_DESCRIPTION =
  'Boxlet, auth keys, nodejs22.x x86_64, 1024 MB, 20 s, http-api, streaming false, tracing Active'
const SHARED = {
  Runtime: 'nodejs22.x',
  Architectures: ['x86_64'],
  MemorySize: '1024',
  EphemeralStorage: { Size: '1024' },
  Handler: 'index.handler',
  Layers: ['<ModelLayer>'],
  TracingConfig: { Mode: 'Active' },
  KmsKeyArn: EVERYTHING.KmsKeyArn,
  VpcConfig: {
    SubnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
    SecurityGroupIds: ['sg-0a1b2c3d'],
  },
}
const VARIABLES = {
  ...ALLOCATOR,
  BOXLET_SERVICE: 'test',
  BOXLET_MODEL: 's3://models/abc/manifest.json',
}
const preflight = (path: string) => ({
  ApiId: '<Api>',
  RouteKey: `OPTIONS ${path}`,
  AuthorizationType: 'NONE',
  Target: 'integrations/<ApiIntegration>',
})

/** The same with everything chosen, and what comes with it. */
export const FULL: Facts = {
  Function: {
    ...SHARED,
    FunctionName: 'test',
    Description: EVERYTHING_DESCRIPTION,
    Timeout: '20',
    Role: '<Role.Arn>',
    ReservedConcurrentExecutions: '5',
    LoggingConfig: { LogGroup: '<LogGroup>' },
    Environment: {
      Variables: {
        ...VARIABLES,
        BOXLET_AUTH: 'keys',
        BOXLET_KEYS_PARAMETER: '/boxlet/test/keys',
        BOXLET_KEYS_SECRET: EVERYTHING.KeysSecretArn,
        BOXLET_BASE_PATH: 'vision',
      },
    },
  },
  Version: { FunctionName: '<Function>', Description: EVERYTHING_DESCRIPTION },
  Alias: { ...PLAIN.Alias, ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: '2' } },
  LogGroup: { ...PLAIN.LogGroup, RetentionInDays: '7', KmsKeyId: EVERYTHING.KmsKeyArn },
  ModelLayer: { LayerName: 'test-model' },
  Api: { Name: 'test', ProtocolType: 'HTTP', CorsConfiguration: CORS },
  ApiIntegration: {
    ApiId: '<Api>',
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: '<Alias>',
    PayloadFormatVersion: '2.0',
  },
  ApiRoute: { ...preflight(''), RouteKey: '$default' },
  ApiPreflight: preflight('/{proxy+}'),
  ApiRootPreflight: preflight('/'),
  ApiStage: {
    ApiId: '<Api>',
    StageName: '$default',
    AutoDeploy: true,
    DefaultRouteSettings: { ThrottlingRateLimit: '7', ThrottlingBurstLimit: '9' },
    AccessLogSettings: {
      DestinationArn: '<ApiLogGroup.Arn>',
      Format: expect.stringMatching(/^\{"requestId":"\$context.requestId",.*"status":"\$context.status"/),
    },
  },
  ApiLogGroup: {
    DeletionPolicy: 'Delete',
    LogGroupName: '/aws/vendedlogs/boxlet/test',
    RetentionInDays: '7',
    KmsKeyId: EVERYTHING.KmsKeyArn,
  },
  ApiPermission: {
    FunctionName: '<Alias>',
    Action: 'lambda:InvokeFunction',
    Principal: 'apigateway.amazonaws.com',
    SourceArn: 'arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Api>/*',
  },
  Worker: {
    ...SHARED,
    FunctionName: 'test-worker',
    Description: 'Detects in pictures that arrive in S3.',
    Timeout: '120',
    Role: '<WorkerRole.Arn>',
    LoggingConfig: { LogGroup: '<WorkerLogGroup>' },
    Environment: { Variables: { ...VARIABLES, BOXLET_AUTH: 'iam', BOXLET_RESULT_PREFIX: 'results/' } },
  },
  WorkerLogGroup: {
    DeletionPolicy: 'Delete',
    LogGroupName: '/aws/lambda/test-worker',
    RetentionInDays: '7',
    KmsKeyId: EVERYTHING.KmsKeyArn,
  },
  WorkerMapping: {
    EventSourceArn: '<Queue.Arn>',
    FunctionName: '<Worker>',
    BatchSize: '10',
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: '3' },
  },
  Queue: {
    VisibilityTimeout: '720',
    MessageRetentionPeriod: '1209600',
    SqsManagedSseEnabled: true,
    RedrivePolicy: { deadLetterTargetArn: '<DeadLetters.Arn>', maxReceiveCount: '5' },
  },
  DeadLetters: { MessageRetentionPeriod: '1209600', SqsManagedSseEnabled: true },
  Arrivals: {
    Description: 'Pictures that arrive for Boxlet.',
    EventPattern: {
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: ['test-pictures'] }, object: { key: [{ prefix: 'incoming/' }] } },
    },
    Targets: [{ Id: 'queue', Arn: '<Queue.Arn>' }],
  },
}
