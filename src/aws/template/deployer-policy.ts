/** What a person needs who runs `boxlet deploy`, `status`, `logs`, `tune --stack` and `destroy`. */
import type { Value } from './cloudformation.ts'

export interface PolicyOptions {
  /** Name of the stack, or the start of several names and a star. */
  stack: string
  /** Bucket for packages, or a pattern; the default is that of `deploy`. */
  artefacts?: string
}

const arn = (service: string, resource: string): string => `arn:*:${service}:*:*:${resource}`

const allow = (Sid: string, Action: string[], Resource: string | string[]): Value => ({
  Sid,
  Effect: 'Allow',
  Action,
  Resource,
})

/**
 * A policy of IAM for one stack. CloudFormation makes the resources with the rights of who calls it, unless
 * `--role-arn` names a role for it: then `Resources` and `Role` are that role's, and the caller needs iam:PassRole
 * for it instead.
 */
export function deployerPolicy({ stack, artefacts = 'boxlet-*' }: PolicyOptions): {
  [key: string]: Value
} {
  const functions = [
    arn('lambda', `function:${stack}`),
    arn('lambda', `function:${stack}:*`),
    arn('lambda', `function:${stack}-worker`),
    arn('lambda', `function:${stack}-clerk`),
    arn('lambda', `layer:${stack}-model`),
    arn('lambda', `layer:${stack}-model:*`),
  ]
  return {
    Version: '2012-10-17',
    Statement: [
      // These name no resource, or are asked before there is one.
      allow(
        'Ask',
        [
          'sts:GetCallerIdentity',
          'cloudformation:DescribeStacks',
          'cloudformation:ListStacks',
          'lambda:GetAccountSettings',
          'lambda:*EventSourceMapping*',
          'logs:DescribeLogGroups',
          'ssm:DescribeParameters',
          'ec2:Describe*',
        ],
        '*',
      ),
      allow(
        'Stack',
        [
          'cloudformation:*ChangeSet',
          'cloudformation:DescribeStackEvents',
          'cloudformation:DescribeStackResource',
          'cloudformation:GetTemplate',
          'cloudformation:DeleteStack',
          'cloudformation:TagResource',
        ],
        arn('cloudformation', `stack/${stack}/*`),
      ),
      allow('Resources', ['lambda:*'], functions),
      allow(
        'Role',
        [
          'iam:GetRole',
          'iam:CreateRole',
          'iam:DeleteRole',
          'iam:PassRole',
          'iam:TagRole',
          'iam:UntagRole',
          'iam:GetRolePolicy',
          'iam:PutRolePolicy',
          'iam:DeleteRolePolicy',
          'iam:UpdateAssumeRolePolicy',
        ],
        `arn:*:iam::*:role/${stack}-*`,
      ),
      allow(
        'Logs',
        ['logs:*'],
        [
          arn('logs', `log-group:/aws/lambda/${stack}*`),
          arn('logs', `log-group:/aws/vendedlogs/boxlet/${stack}*`),
        ],
      ),
      // The log of an HTTP API is delivered by a service, which takes no resource.
      allow('Deliveries', ['logs:*LogDelivery', 'logs:ListLogDeliveries', 'logs:*ResourcePolic*'], '*'),
      allow('Queues', ['sqs:*'], arn('sqs', `${stack}-*`)),
      allow(
        'Arrivals',
        ['events:*'],
        [arn('events', `rule/${stack}-*`), arn('events', `event-bus/${stack}-*`)],
      ),
      allow('Jobs', ['dynamodb:*'], [arn('dynamodb', `table/${stack}-*`)]),
      allow(
        'Watch',
        [
          'cloudwatch:*Alarms',
          'cloudwatch:PutMetricAlarm',
          'cloudwatch:*TagResource',
          'cloudwatch:*Dashboard*',
        ],
        [arn('cloudwatch', `alarm:${stack}-*`), `arn:*:cloudwatch::*:dashboard/${stack}-*`],
      ),
      allow('Api', ['apigateway:*'], ['arn:*:apigateway:*::/apis*', 'arn:*:apigateway:*::/tags/*']),
      allow(
        'Packages',
        ['s3:*Object*', 's3:*Bucket*', 's3:PutLifecycleConfiguration', 's3:GetLifecycleConfiguration'],
        [`arn:*:s3:::${artefacts}`, `arn:*:s3:::${artefacts}/*`],
      ),
      allow('Keys', ['ssm:*Parameter', 'ssm:AddTagsToResource'], arn('ssm', `parameter/boxlet/${stack}/*`)),
    ],
  }
}
