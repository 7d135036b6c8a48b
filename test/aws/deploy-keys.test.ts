import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../src/api/auth/crypto.ts'
import { type CreatedKeys, hasParameter, type KeysChoice, planKeys } from '../../src/aws/deploy/keys.ts'
import { describeStack, parametersOf } from '../../src/aws/deploy/stack.ts'
import { deployment } from './deployment.ts'
import { REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

describe.skipIf(motoServer === undefined)('keys of a stack', () => {
  const aws = deployment()
  const name = '/boxlet/test/keys'
  const none: KeysChoice = { auth: undefined, parameter: undefined, secret: undefined, fresh: false }
  const plan = async (choice: Partial<KeysChoice>, before?: Record<string, string>) =>
    planKeys(
      aws.session,
      'test',
      { ...none, ...choice },
      before ?? parametersOf(await describeStack(aws.session, 'test')),
    )
  const stored = async (): Promise<{ id: string; kind: string; hash?: string }[]> => {
    const client = new SSMClient({ endpoint: aws.moto.endpoint, region: REGION })
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    expect(Parameter?.Type).toBe('SecureString')
    return JSON.parse(Parameter?.Value ?? '').keys
  }

  it('are made after the yes, shown before anything else, and made again only when told to', async () => {
    const order: (string | CreatedKeys)[] = []
    const deploy = async (choice: Partial<KeysChoice>, agree = true) =>
      aws.deploy({
        keys: await plan(choice),
        confirm: async () => {
          order.push('asked')
          return agree
        },
        onKeys: (keys) => order.push(keys),
        onEvent: () => order.push('changed'),
      })
    await deploy({ auth: 'keys' }, false)
    expect(order).toEqual(['asked'])
    expect(await hasParameter(aws.session, name)).toBe(false)

    order.length = 0
    const { parameters } = await deploy({ auth: 'keys' })
    expect(parameters).toMatchObject({ Auth: 'keys', KeysParameter: name, KeysSecretArn: '' })
    const [asked, first, changed] = order as [string, CreatedKeys, string]
    expect([asked, changed]).toEqual(['asked', 'changed'])
    const keys = await stored()
    expect(keys.map(({ kind }) => kind)).toEqual(['bearer', 'access'])
    expect(keys[0]?.hash).toBe(await sha256Hex(first.bearer))

    order.length = 0
    await deploy({})
    await deploy({ auth: 'keys' })
    expect(order).toEqual([])
    await deploy({ fresh: true })
    expect(order).toHaveLength(1)
    expect((await stored()).slice(0, 2)).toEqual(keys)
    expect(await stored()).toHaveLength(4)
  })

  it('of an unfinished run are found, and said to be used', async () => {
    expect(await plan({ auth: 'keys' }, {})).toMatchObject({ make: undefined, found: name })
    expect(await plan({ auth: 'keys', fresh: true }, {})).toMatchObject({ make: name, found: undefined })
  })

  it('are in one place: naming one clears the other', async () => {
    const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys'
    const before = { Auth: 'keys', KeysParameter: name }
    expect((await plan({ secret }, before)).parameters).toEqual({
      Auth: 'keys',
      KeysSecretArn: secret,
      KeysParameter: '',
    })
    expect((await plan({ parameter: '/mine' }, { Auth: 'keys', KeysSecretArn: secret })).parameters).toEqual({
      Auth: 'keys',
      KeysParameter: '/mine',
      KeysSecretArn: '',
    })
    expect((await plan({ auth: 'keys' }, { Auth: 'keys', KeysSecretArn: secret })).parameters).toMatchObject({
      KeysSecretArn: secret,
    })
  })

  it('are left alone where callers sign', async () => {
    expect(await plan({}, {})).toEqual({ parameters: {}, make: undefined, found: undefined })
    expect((await plan({ auth: 'iam' }, { Auth: 'keys', KeysParameter: name })).parameters).toEqual({
      Auth: 'iam',
    })
  })

  it.each([
    [{ parameter: '/a', secret: 'arn' }, {}, 'two'],
    [{ auth: 'iam', parameter: '/a' }, {}, '--auth keys for --keys-parameter but received --auth iam'],
    [{ auth: 'iam', fresh: true }, {}, 'for --new-keys'],
    [{ fresh: true }, {}, 'this stack has none'],
    [{ fresh: true }, { Auth: 'keys', KeysSecretArn: 'arn' }, 'SSM'],
  ])('are refused when %j is asked for with %j', async (choice, before, words) => {
    await expect(plan(choice, before as Record<string, string>)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(words),
    })
  })
})
