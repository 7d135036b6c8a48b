import { describe, expect, it } from 'vitest'
import type { Value } from './cloudformation.ts'
import { deployerPolicy } from './deployer-policy.ts'
import { buildTemplate } from './template.ts'

const policy = deployerPolicy({ stack: 'fridge' })
const statements = policy.Statement as { Sid: string; Action: string[]; Resource: Value }[]
const actions = statements.flatMap(({ Action }) => Action)
const allows = (action: string) =>
  actions.some((one) => new RegExp(`^${one.replaceAll('*', '.*')}$`, 'i').test(action))

/** The services behind the types of resources. */
const SERVICES: Record<string, string> = {
  DynamoDB: 'dynamodb',
  ApiGatewayV2: 'apigateway',
  CloudWatch: 'cloudwatch',
  Events: 'events',
  IAM: 'iam',
  Lambda: 'lambda',
  Logs: 'logs',
  S3: 's3',
  SQS: 'sqs',
}

describe('the policy of who deploys', () => {
  it('fits into a managed policy', () => {
    // Source: IAM user guide, "IAM and AWS STS quotas": blanks do not count.
    expect(JSON.stringify(policy).length).toBeLessThan(6144)
  })

  it('has every service whose resources the stack has', () => {
    for (const { Type } of Object.values(buildTemplate().Resources)) {
      const service = SERVICES[Type.split('::')[1]!]
      expect(service, Type).toBeDefined()
      expect(actions.some((action) => action.startsWith(`${service}:`))).toBe(true)
    }
  })

  it.each([
    'sts:GetCallerIdentity',
    'cloudformation:CreateChangeSet',
    'cloudformation:DescribeChangeSet',
    'cloudformation:ExecuteChangeSet',
    'cloudformation:DeleteChangeSet',
    'cloudformation:GetTemplate',
    'lambda:GetAccountSettings',
    'lambda:InvokeFunction',
    'lambda:InvokeFunctionUrl',
    'lambda:UpdateFunctionConfiguration',
    'logs:FilterLogEvents',
    's3:PutBucketPublicAccessBlock',
    's3:PutLifecycleConfiguration',
    's3:PutBucketPolicy',
    's3:PutBucketNotification',
    's3:DeleteObjectVersion',
    'ssm:PutParameter',
    'ssm:DescribeParameters',
    'iam:PassRole',
    'sqs:SetQueueAttributes',
  ])('allows %s', (action) => {
    expect(allows(action)).toBe(true)
  })

  it('names the stack wherever AWS lets it', () => {
    const open = statements.filter(({ Resource }) => Resource === '*').map(({ Sid }) => Sid)
    expect(open).toEqual(['Ask', 'Deliveries'])
    expect(allows('iam:AttachRolePolicy')).toBe(false)
    expect(allows('iam:CreateUser')).toBe(false)
  })
})
