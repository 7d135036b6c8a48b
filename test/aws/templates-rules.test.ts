import { describe, expect, it } from 'vitest'
import { brokenRules } from '../../src/aws/template/fold.ts'
import { PARAMETERS } from '../../src/aws/template/parameters.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'

/** Source: CloudFormation user guide, "Rule-specific intrinsic functions". */
const FUNCTIONS_OF_RULES = [
  'Fn::And',
  'Fn::Contains',
  'Fn::EachMemberEquals',
  'Fn::EachMemberIn',
  'Fn::Equals',
  'Fn::Not',
  'Fn::Or',
  'Fn::RefAll',
  'Fn::ValueOf',
  'Fn::ValueOfAll',
  'Ref',
]

const broken = (chosen: Record<string, string>) => brokenRules(buildTemplate(), chosen)

describe('rules of the template', () => {
  it('use only what CloudFormation has for rules', () => {
    const used = JSON.stringify(buildTemplate().Rules).match(/"(Fn::\w+|Ref|Condition)"/g) ?? []
    const names = new Set(used.map((name) => name.slice(1, -1)))
    expect([...names].filter((name) => !FUNCTIONS_OF_RULES.includes(name))).toEqual([])
  })

  it.each([
    ['keys without a place for them', { Auth: 'keys' }, /KeysParameter or KeysSecretArn/],
    [
      'subnets without security groups',
      { SubnetIds: 'subnet-1', Streaming: 'false' },
      /SubnetIds and SecurityGroupIds/,
    ],
    [
      'streaming from within a VPC',
      { SubnetIds: 'subnet-1', SecurityGroupIds: 'sg-1', Streaming: 'true' },
      /does not stream from within a VPC/,
    ],
    ['an HTTP API with more time than it waits', { Front: 'http-api', Timeout: '31' }, /30 at most/],
    ['security groups without subnets', { SecurityGroupIds: 'sg-1' }, /SubnetIds and SecurityGroupIds/],
  ])('refuse %s', (_name, chosen, words) => {
    expect(broken(chosen as unknown as Record<string, string>)).toEqual([expect.stringMatching(words)])
  })

  it.each([
    ['nothing chosen', {}],
    ['keys in SSM', { Auth: 'keys', KeysParameter: '/a' }],
    ['keys in Secrets Manager', { Auth: 'keys', KeysSecretArn: 'arn:a' }],
    ['a network', { SubnetIds: 'subnet-1', SecurityGroupIds: 'sg-1', Streaming: 'false' }],
    ['a network behind an HTTP API', { SubnetIds: 'subnet-1', SecurityGroupIds: 'sg-1', Front: 'http-api' }],
    ['an HTTP API with the time that it waits', { Front: 'http-api', Timeout: '30' }],
    ['a function URL with all the time there is', { Timeout: '900' }],
  ])('permit %s', (_name, chosen) => {
    expect(broken(chosen as unknown as Record<string, string>)).toEqual([])
  })
})

describe('patterns of parameters', () => {
  const fits = (name: string, value: string) => new RegExp(PARAMETERS[name]?.AllowedPattern ?? '').test(value)

  it.each([
    ['DataBucketName', 'photos.example', 'My_Photos'],
    ['AlarmTopicArn', 'arn:aws:sns:eu-west-1:111122223333:alarms', 'alarms'],
    ['KmsKeyArn', 'arn:aws-cn:kms:cn-north-1:111122223333:key/0a1b', 'alias/mine'],
    [
      'KeysSecretArn',
      'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys-AbCdEf',
      'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys',
    ],
  ])('let %s be %s or empty, and not %s', (name, good, bad) => {
    expect([fits(name, good), fits(name, ''), fits(name, bad)]).toEqual([true, true, false])
  })
})
