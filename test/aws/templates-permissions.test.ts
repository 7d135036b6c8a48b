import { describe, expect, it } from 'vitest'
import { CHOSEN, EVERYTHING, WITH_JOBS } from './templates-choices.ts'
import { type Chosen, cloudFormationFacts } from './templates-forms.ts'

/** Of the one policy that a role or queue has. */
function statements(name: 'Role' | 'WorkerRole' | 'ClerkRole' | 'QueuePolicy', chosen: Chosen): unknown[] {
  const facts = cloudFormationFacts(chosen)[name] as {
    PolicyDocument?: { Statement: unknown[] }
    Policies?: { PolicyDocument: { Statement: unknown[] } }[]
  }
  expect(facts.Policies?.length ?? 1).toBe(1)
  return (facts.PolicyDocument ?? facts.Policies![0]!.PolicyDocument).Statement
}

const allow = (Action: string[], Resource: unknown, Condition?: unknown) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
})
const logs = (group: string) => allow(['logs:CreateLogStream', 'logs:PutLogEvents'], `<${group}.Arn>`)
const here = (service: string) => `arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>`
const ssmParameter = `${here('ssm')}:parameter/boxlet/test/keys`
const bucket = 'arn:<AWS::Partition>:s3:::test-pictures'

const network = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]
/** What both roles may do with everything chosen, beside logs. */
const shared = (name: string) => [
  allow(['s3:GetObject'], 'arn:<AWS::Partition>:s3:::models/abc/*'),
  allow(['kms:Decrypt'], EVERYTHING.KmsKeyArn, {
    StringLike: {
      'kms:EncryptionContext:aws:lambda:FunctionArn': [
        `${here('lambda')}:function:${name}`,
        `${here('lambda')}:function:${name}:*`,
      ],
    },
  }),
  allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*'),
  allow(network, '*'),
  {
    Effect: 'Deny',
    Action: [...network, 'ec2:DetachNetworkInterface'],
    Resource: '*',
    Condition: { ArnEquals: { 'lambda:SourceFunctionArn': `${here('lambda')}:function:${name}` } },
  },
]
const workerOwn = [
  allow(['s3:GetObject', 's3:GetObjectVersion'], `${bucket}/incoming/*`),
  allow(['s3:ListBucket'], bucket),
  allow(['s3:PutObject', 's3:GetObject'], `${bucket}/results/*`),
  allow(
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
    '<Queue.Arn>',
  ),
]

const readsAndWritesJobs = [
  allow(
    [
      'dynamodb:GetItem',
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:BatchWriteItem',
    ],
    ['<JobTable.Arn>', '<JobTable.Arn>/index/*'],
  ),
  allow(['s3:GetObject', 's3:PutObject'], `${bucket}/jobs/*`),
]
const tellsTheBus = allow(['events:PutEvents'], '<JobBus.Arn>')
const sendsMessages = allow(['sqs:SendMessage'], ['<Queue.Arn>', '<Chores.Arn>'])
const collectsDeadLetters = allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage'], '<DeadLetters.Arn>')
const namedPictures = allow(
  ['s3:GetObject', 's3:GetObjectVersion'],
  ['arn:aws:s3:::photos/*', 'arn:aws:s3:::more/*'],
)

describe('the role of the clerk', () => {
  it('is not there without jobs', () => {
    expect(cloudFormationFacts(CHOSEN).ClerkRole).toBeUndefined()
  })

  it('may do exactly this with everything chosen, and never read keys', () => {
    expect(statements('ClerkRole', WITH_JOBS)).toEqual([
      logs('ClerkLogGroup'),
      ...shared('test-clerk'),
      ...readsAndWritesJobs,
      tellsTheBus,
      allow(['s3:PutObject'], `${bucket}/results/*`),
      sendsMessages,
      allow(
        ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
        ['<Chores.Arn>', '<DeadChores.Arn>', '<DeadLetters.Arn>'],
      ),
      namedPictures,
    ])
  })
})

describe('the role of the function that answers requests', () => {
  it('may write its logs and nothing else with nothing chosen', () => {
    expect(statements('Role', {})).toEqual([logs('LogGroup')])
  })

  it('may read the keys that are chosen', () => {
    expect(statements('Role', CHOSEN)).toEqual([logs('LogGroup'), allow(['ssm:GetParameter'], ssmParameter)])
  })

  it('may do exactly this with everything chosen', () => {
    expect(statements('Role', WITH_JOBS)).toEqual([
      logs('LogGroup'),
      ...shared('test'),
      allow(['s3:GetObject', 's3:GetObjectVersion'], ['arn:aws:s3:::photos/*', 'arn:aws:s3:::more/*']),
      allow(['ssm:GetParameter'], ssmParameter),
      allow(['kms:Decrypt'], EVERYTHING.KmsKeyArn, {
        StringEquals: {
          'kms:ViaService': 'ssm.<AWS::Region>.<AWS::URLSuffix>',
          'kms:EncryptionContext:PARAMETER_ARN': ssmParameter,
        },
      }),
      allow(['secretsmanager:GetSecretValue'], EVERYTHING.KeysSecretArn),
      allow(['kms:Decrypt'], EVERYTHING.KmsKeyArn, {
        StringEquals: {
          'kms:ViaService': 'secretsmanager.<AWS::Region>.<AWS::URLSuffix>',
          'kms:EncryptionContext:SecretARN': EVERYTHING.KeysSecretArn,
        },
      }),
      ...readsAndWritesJobs,
      allow(['s3:PutObject'], `${bucket}/incoming/uploads/*`),
      allow(['s3:GetObject'], `${bucket}/lists/*`),
      allow(['s3:ListBucket'], bucket, { StringLike: { 's3:prefix': 'pictures/*' } }),
      sendsMessages,
      collectsDeadLetters,
    ])
  })
})

describe('the role of the worker', () => {
  it('may read pictures, write results and take messages, and never read keys', () => {
    expect(statements('WorkerRole', CHOSEN)).toEqual([logs('WorkerLogGroup'), ...workerOwn])
  })

  it('may do exactly this with everything chosen', () => {
    expect(statements('WorkerRole', WITH_JOBS)).toEqual([
      logs('WorkerLogGroup'),
      ...shared('test-worker'),
      ...workerOwn,
      ...readsAndWritesJobs,
      allow(['s3:GetObject', 's3:GetObjectVersion'], `${bucket}/pictures/*`),
      tellsTheBus,
      sendsMessages,
      namedPictures,
    ])
  })
})

it('lets only Lambda take the roles on', () => {
  for (const name of ['Role', 'WorkerRole', 'ClerkRole'] as const) {
    expect(cloudFormationFacts(WITH_JOBS)[name]?.AssumeRolePolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    })
  }
})

describe('the queue', () => {
  const sends = (service: string, source: string) => ({
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sqs:SendMessage',
    Resource: '<Queue.Arn>',
    Condition: {
      ArnEquals: { 'aws:SourceArn': source },
      StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
    },
  })

  it('takes messages of its bucket only', () => {
    expect(statements('QueuePolicy', CHOSEN)).toEqual([sends('s3.amazonaws.com', bucket)])
  })

  it('takes them of the rule too where the bucket is not of the stack', () => {
    expect(statements('QueuePolicy', { ...CHOSEN, CreateDataBucket: 'false' })).toEqual([
      sends('s3.amazonaws.com', bucket),
      sends('events.amazonaws.com', '<Arrivals.Arn>'),
    ])
  })
})
