import { createHash } from 'node:crypto'
import { allow, att, list, type Resource, ref, sub, type Value, when } from './cloudformation.ts'
import { MEMORY_VARIABLES } from './memory-variables.ts'
import { readKeys, role } from './role-part.ts'
import { JOBS_VARIABLES, statementsFor } from './sources/jobs-access.ts'

/** Environment variables of both functions. */
export const variables = (more: Record<string, Value>): Value => ({
  ...MEMORY_VARIABLES,
  BOXLET_SERVICE: ref('AWS::StackName'),
  BOXLET_MODEL: when('HasModelLocation', sub(`s3://\${ModelLocation}/\${ModelFile}`)),
  ...more,
})

/** What both functions share: code, processor, network and customer key. */
export const functionProperties = (logGroup: string): Record<string, Value> => ({
  Code: { S3Bucket: ref('CodeBucket'), S3Key: ref('CodeKey') },
  Runtime: ref('Runtime'),
  Architectures: [ref('Architecture')],
  MemorySize: ref('MemorySize'),
  EphemeralStorage: { Size: ref('EphemeralStorage') },
  Layers: when('HasLayer', [ref('ModelLayer')]),
  LoggingConfig: { LogGroup: ref(logGroup) },
  TracingConfig: { Mode: ref('Tracing') },
  KmsKeyArn: when('HasKmsKey', ref('KmsKeyArn')),
  VpcConfig: when('HasVpc', { SubnetIds: list('SubnetIds'), SecurityGroupIds: list('SecurityGroupIds') }),
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

/**
 * A version is a copy of code and settings that never changes, and a new one appears only when this resource does.
 * Its description can not be updated, so another text replaces it. The text holds what may never differ between
 * the version that serves and the rest of the stack, above all `Auth`, and the revision for all else, since 256
 * characters do not hold everything.
 *
 * The function has the same description: Lambda refuses to publish a function that is what it was, and so any
 * change of the text is a change of the function.
 *
 * @param made what this text is made from: package and template
 */
const snapshot = (...made: string[]): Value =>
  sub(
    [
      ['Boxlet', ...made].filter(Boolean).join(' '),
      `revision \${Revision}`,
      `auth \${Auth}`,
      `\${Runtime} \${Architecture}`,
      `\${MemorySize} MB`,
      `\${Timeout} s`,
      `\${Front}, streaming \${Streaming}`,
      `tracing \${Tracing}`,
    ].join(', '),
  )

const httpFunction: Record<string, Value> = {
  FunctionName: sub(`\${AWS::StackName}`),
  ...functionProperties('LogGroup'),
  Handler: when('Streams', 'index.streaming', 'index.handler'),
  Role: att('Role', 'Arn'),
  Timeout: ref('Timeout'),
  Environment: {
    Variables: variables({
      BOXLET_AUTH: ref('Auth'),
      BOXLET_KEYS_PARAMETER: when('HasKeysParameter', ref('KeysParameter')),
      BOXLET_KEYS_SECRET: when('HasKeysSecret', ref('KeysSecretArn')),
      BOXLET_BASE_PATH: when('HasBasePath', ref('BasePath')),
      ...JOBS_VARIABLES,
    }),
  },
}
/** Another release of Boxlet may set other things on the same package. */
const settings = createHash('sha256').update(JSON.stringify(httpFunction)).digest('hex').slice(0, 8)

export function functionResources(packageHash: string): Record<string, Resource> {
  const versionId = `Version${packageHash}`
  return {
    LogGroup: logGroup(sub(`/aws/lambda/\${AWS::StackName}`)),
    Role: role(`\${AWS::StackName}`, 'LogGroup', [
      when('HasPictures', allow(['s3:GetObject', 's3:GetObjectVersion'], list('PictureArns'))),
      ...readKeys,
      ...statementsFor('http'),
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
        ...httpFunction,
        Description: snapshot(packageHash, settings),
        // A cap is the function's and no part of its versions.
        ReservedConcurrentExecutions: when('HasReserved', ref('ReservedConcurrency')),
      },
    },
    [versionId]: {
      Type: 'AWS::Lambda::Version',
      Properties: { FunctionName: ref('Function'), Description: snapshot(packageHash, settings) },
    },
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
