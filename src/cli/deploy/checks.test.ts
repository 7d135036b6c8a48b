import { afterEach, describe, expect, it, vi } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import type { DeployResult } from '../../aws/deploy/deploy.ts'
import { expectApi, expectFront, expectRules, expectValues } from './checks.ts'
import { formatExample } from './output.ts'
import { chosenParameters, type StackSettings } from './settings.ts'
import { MAX_NEW_NAME, stackName } from './stack-name.ts'

afterEach(() => vi.unstubAllEnvs())

const SUBNET = 'subnet-0a1b2c'
const GROUP = 'sg-0a1b2c'

describe('options of deploy', () => {
  it.each([
    ['--log-days', '2', 'Expected one of 1, 3, 5, 7, 14, 30, '],
    ['--data-bucket', 'My_Pictures', 'Expected a bucket name (3-63 lower-case letters'],
    ['--data-bucket', '10.0.0.1', 'Expected a bucket name'],
    ['--data-bucket', 'a..b', 'Expected a bucket name'],
    ['--artefacts', 'ab', 'Expected a bucket name'],
    ['--pictures', 's3://photos', 'Expected a bucket name or arn:aws:s3:::NAME'],
    ['--pictures', 'photos,Other', 'Expected a bucket name or arn:aws:s3:::NAME'],
    ['--keys-parameter', 'boxlet/keys', 'Expected a name with a leading slash'],
    ['--keys-secret', 'boxlet', 'Expected the ARN of a secret'],
    ['--alarm-topic', 'people', 'Expected the ARN of an SNS topic'],
    ['--kms-key', 'alias/mine', 'Expected the ARN of a key'],
    ['--subnets', `${SUBNET},net`, 'Expected subnets such as'],
    ['--security-groups', 'default', 'Expected security groups such as'],
    ['--arch', 'arm', 'Expected arm64 or x86_64'],
    ['--watch', 'some', 'Expected one of full, none'],
    ['--reserved', '-2', 'Expected a whole number from -1 to 10000'],
    ['--worker-concurrency', '1', 'Expected a whole number from 2 to 1000'],
    ['--api-rate', '0', 'Expected a whole number from 1 to 10000'],
    ['--api-burst', '5001', 'Expected a whole number from 1 to 5000'],
  ])('are refused before AWS is asked: %s %s', async (option, value, expected) => {
    // Nothing answers there.
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
    const { code, out, err } = await boxlet(['deploy', '--region', 'eu-west-1', '--yes', option, value])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(expected)
    expect(err).toMatch(/^boxlet: Expected [^\n]+ but received "[^\n]+"\. \[USAGE\]\n$/)
  })

  it.each([
    { 'log-days': 90 },
    { 'data-bucket': 'my-pictures.example' },
    { pictures: ['photos,arn:aws:s3:::other', 'arn:aws-cn:s3:::third/in/*'] },
    { 'keys-parameter': '/boxlet/keys' },
    { 'alarm-topic': 'arn:aws:sns:eu-west-1:123456789012:people' },
    { 'kms-key': 'arn:aws:kms:eu-west-1:123456789012:key/0a1b' },
    { subnets: [SUBNET], 'security-groups': [GROUP] },
    { arch: 'x64' },
    { reserved: -1 },
    { pictures: [''], 'data-bucket': '', 'alarm-topic': '', subnets: [''] },
  ])('are taken: %j', (values) => {
    expect(() => expectValues(values)).not.toThrow()
  })

  it('name pictures by bucket or by ARN', () => {
    const arns = (pictures: string, region = 'eu-west-1') =>
      chosenParameters({ pictures: [pictures] }, region).PictureArns
    expect(arns('photos')).toBe('arn:aws:s3:::photos/*')
    expect(arns('photos', 'cn-north-1')).toBe('arn:aws-cn:s3:::photos/*')
    expect(arns('arn:aws:s3:::photos')).toBe('arn:aws:s3:::photos/*')
    expect(arns('arn:aws:s3:::photos/in/*,other')).toBe('arn:aws:s3:::photos/in/*,arn:aws:s3:::other/*')
    expect(arns('')).toBe('')
  })

  it('become parameters of the stack only where they are given', () => {
    const values = {
      'api-rate': 5,
      'api-burst': 10,
      'worker-concurrency': 3,
      watch: 'none',
      reserved: -1,
    } as const
    expect(chosenParameters(values, 'eu-west-1')).toEqual({
      ApiRate: '5',
      ApiBurst: '10',
      WorkerConcurrency: '3',
      Watch: 'none',
      ReservedConcurrency: '-1',
    })
  })
})

describe('what stands in front', () => {
  const front = (values: StackSettings) => chosenParameters(values, 'eu-west-1').Front
  it('is one thing, and --http-api is its short form', () => {
    expect(front({})).toBeUndefined()
    expect(front({ front: 'none' })).toBe('none')
    expect(front({ 'http-api': true })).toBe('http-api')
    expect(front({ 'http-api': false })).toBe('url')
    expect(front({ front: 'http-api', 'http-api': true })).toBe('http-api')
    expect(() => front({ front: 'url', 'http-api': true })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })

  it('is no function URL where there are none', () => {
    expect(() => expectFront({}, 'eu-south-2')).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('--front http-api') }),
    )
    expect(() => expectFront({ Front: 'http-api' }, 'eu-south-2')).not.toThrow()
    expect(() => expectFront({}, 'eu-west-1')).not.toThrow()
  })
})

describe('the name of a stack', () => {
  it('leaves room for the second function of a new one', () => {
    expect(stackName('a'.repeat(57), MAX_NEW_NAME)).toHaveLength(57)
    expect(() => stackName('a'.repeat(58), MAX_NEW_NAME)).toThrow('at most 57 characters')
    expect(stackName('a'.repeat(63))).toHaveLength(63)
    expect(() => stackName('Boxlet')).toThrow('lower-case letters')
  })
})

describe('the call to copy', () => {
  const result = (outputs: Record<string, string>, Auth = 'iam') =>
    ({ outputs, parameters: { Auth } }) as unknown as DeployResult
  const url = { Endpoint: 'https://x.lambda-url.eu-west-1.on.aws/' }
  it('carries a session token only where there is one', () => {
    expect(formatExample(result(url), 'eu-west-1', undefined, true)).toContain('$AWS_SESSION_TOKEN')
    expect(formatExample(result(url), 'eu-west-1', undefined, false)).not.toContain('TOKEN')
  })
  it('signs for the service that it goes to', () => {
    expect(formatExample(result(url), 'eu-west-1', undefined, false)).toContain('aws:amz:eu-west-1:lambda')
    const api = { ApiEndpoint: 'https://x.execute-api.eu-west-1.amazonaws.com/' }
    expect(formatExample(result(api), 'eu-west-1', undefined, false)).toContain(
      'aws:amz:eu-west-1:execute-api',
    )
    expect(formatExample(result({}), 'eu-west-1', undefined, false)).toBe('')
  })
})

describe('options of deploy together with what the stack has', () => {
  it.each([
    [{ SubnetIds: SUBNET, Streaming: 'false' }],
    [{ SecurityGroupIds: GROUP }],
    [{ SubnetIds: SUBNET, SecurityGroupIds: '', Streaming: 'false' }],
  ])('need subnets and security groups both: %j', (parameters) => {
    expect(() => expectRules(parameters)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: 'A VPC needs --subnets and --security-groups.' }),
    )
  })

  it.each([{ 'api-rate': 5 }, { 'api-burst': 5 }])(
    'limit an HTTP API only where there is one: %j',
    (values) => {
      const [option] = Object.keys(values)
      for (const parameters of [{}, { Front: 'url' }]) {
        expect(() => expectApi(values, parameters)).toThrow(
          expect.objectContaining({
            code: 'USAGE',
            message: `Expected an HTTP API for --${option} but the stack has none.`,
          }),
        )
      }
      expect(() => expectApi(values, { Front: 'http-api' })).not.toThrow()
      expect(() => expectApi({}, {})).not.toThrow()
    },
  )

  it('may break no rule, and do not without a VPC or with a whole one', () => {
    expect(() => expectRules({})).not.toThrow()
    const network = { SubnetIds: SUBNET, SecurityGroupIds: GROUP }
    expect(() => expectRules({ ...network, Streaming: 'false' })).not.toThrow()
    expect(() => expectRules({ ...network, Front: 'http-api' })).not.toThrow()
    expect(() => expectRules(network)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('--subnets need --no-streaming') }),
    )
    expect(() => expectRules({ Front: 'http-api', Timeout: '60' })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('--front http-api needs a --timeout of 30') }),
    )
    expect(() => expectRules({ Auth: 'keys', KeysParameter: '/boxlet/keys' })).not.toThrow()
  })
})
