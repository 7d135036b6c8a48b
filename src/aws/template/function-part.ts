import { MEMORY_VARIABLES } from '../memory-variables.ts'
import { allow, att, type Resource, ref, sub, type Value, when } from './cloudformation.ts'

/** Environment variables of both functions. */
export const variables = (more: Record<string, Value> = {}): Value => ({
  ...MEMORY_VARIABLES,
  BOXLET_SERVICE: ref('AWS::StackName'),
  BOXLET_AUTH: ref('Auth'),
  BOXLET_MODEL: when('HasModelLocation', sub(`s3://\${ModelLocation}/\${ModelFile}`)),
  BOXLET_KEYS_PARAMETER: when('HasKeysParameter', ref('KeysParameter')),
  BOXLET_KEYS_SECRET: when('HasKeysSecret', ref('KeysSecretArn')),
  BOXLET_CORS_ORIGINS: when('HasCors', ref('CorsOrigins')),
  ...more,
})

/** What both functions share: code, processor, network and keys. */
export const functionProperties = (logGroup: string): Record<string, Value> => ({
  Code: { S3Bucket: ref('CodeBucket'), S3Key: ref('CodeKey') },
  Runtime: ref('Runtime'),
  Architectures: [ref('Architecture')],
  MemorySize: ref('MemorySize'),
  Layers: when('HasLayer', [ref('ModelLayer')]),
  LoggingConfig: { LogGroup: ref(logGroup) },
  TracingConfig: { Mode: ref('Tracing') },
  KmsKeyArn: when('HasKmsKey', ref('KmsKeyArn')),
  VpcConfig: when('HasVpc', { SubnetIds: ref('SubnetIds'), SecurityGroupIds: ref('SecurityGroupIds') }),
})

export const logGroup = (name: Value): Resource => ({
  Type: 'AWS::Logs::LogGroup',
  DeletionPolicy: 'Delete',
  UpdateReplacePolicy: 'Delete',
  Properties: {
    LogGroupName: name,
    RetentionInDays: ref('LogRetentionDays'),
    KmsKeyId: when('HasKmsKey', ref('KmsKeyArn')),
  },
})

/** A role that may do what its function does and nothing else; no action on all resources but where AWS has no other form. */
export function role(logGroup: string, more: Value[] = []): Resource {
  const statements: Value[] = [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], att(logGroup, 'Arn')),
    when('HasModelLocation', allow(['s3:GetObject'], sub(`arn:\${AWS::Partition}:s3:::\${ModelLocation}/*`))),
    when(
      'HasKeysParameter',
      allow(
        ['ssm:GetParameter'],
        sub(`arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter\${KeysParameter}`),
      ),
    ),
    when('HasKeysSecret', allow(['secretsmanager:GetSecretValue'], ref('KeysSecretArn'))),
    when('HasKmsKey', allow(['kms:Decrypt'], ref('KmsKeyArn'))),
    // Neither service knows resources for these actions.
    when('Traces', allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*')),
    when(
      'HasVpc',
      allow(
        ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'],
        '*',
      ),
    ),
    ...more,
  ]
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        { PolicyName: 'function', PolicyDocument: { Version: '2012-10-17', Statement: statements } },
      ],
    },
  }
}

export function functionResources(versionId: string): Record<string, Resource> {
  return {
    LogGroup: logGroup(sub(`/aws/lambda/\${AWS::StackName}`)),
    Role: role('LogGroup', [
      when('HasPictures', allow(['s3:GetObject', 's3:GetObjectVersion'], ref('PictureArns'))),
    ]),
    ModelLayer: {
      Type: 'AWS::Lambda::LayerVersion',
      Condition: 'HasLayer',
      Properties: {
        LayerName: sub(`\${AWS::StackName}-model`),
        Content: { S3Bucket: ref('CodeBucket'), S3Key: ref('LayerKey') },
      },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: sub(`\${AWS::StackName}`),
        Description: 'Object detection by Boxlet.',
        ...functionProperties('LogGroup'),
        Handler: when('Streams', 'index.streaming', 'index.handler'),
        Role: att('Role', 'Arn'),
        Timeout: ref('Timeout'),
        ReservedConcurrentExecutions: when('HasReserved', ref('ReservedConcurrency')),
        Environment: { Variables: variables() },
      },
    },
    // A version never changes, so that the name has to change with the code for a new one to appear.
    [versionId]: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: ref('Function') } },
    Alias: {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        Name: 'live',
        FunctionName: ref('Function'),
        FunctionVersion: att(versionId, 'Version'),
        ProvisionedConcurrencyConfig: when('HasProvisioned', {
          ProvisionedConcurrentExecutions: ref('ProvisionedConcurrency'),
        }),
      },
    },
  }
}
