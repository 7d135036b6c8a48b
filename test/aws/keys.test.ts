import { DetectLabelsCommand, RekognitionClient } from '@aws-sdk/client-rekognition'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccessKey, createBearerKey } from '../../src/api/auth/create-key.ts'
import type { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import { functionUrl, loadBalancer, parse, type Whole } from './events.ts'
import { type HttpFront, startFunctionUrl } from './http-front.ts'
import { type Moto, startMoto } from './moto.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'
import { motoServer } from './tools.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

describe.skipIf(motoServer === undefined || !canRunPackage)('Boxlet keys of a packaged function', () => {
  let moto: Moto
  let packaged: Packaged
  let bearer: Awaited<ReturnType<typeof createBearerKey>>
  const access = createAccessKey('rekognition', new Date())

  beforeAll(async () => {
    packaged = await packageFunction()
    moto = await startMoto(motoServer as string)
    bearer = await createBearerKey('test', new Date())
    const Value = JSON.stringify({ version: 1, keys: [bearer.stored, access.stored] })
    const at = { endpoint: moto.endpoint, region: 'us-east-1', credentials }
    await new SSMClient(at).send(
      new PutParameterCommand({ Name: '/boxlet/test/keys', Value, Type: 'SecureString' }),
    )
    await new SecretsManagerClient(at).send(
      new CreateSecretCommand({ Name: 'boxlet-keys', SecretString: Value }),
    )
  }, 240_000)
  afterAll(async () => {
    await packaged?.close()
    await moto?.stop()
  })
  const open = (environment: Record<string, string>): Promise<LambdaHost> =>
    packaged.open({
      environment: { BOXLET_AUTH: 'keys', ...environment },
      credentials: {
        AWS_ENDPOINT_URL: moto.endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    })

  it.each([
    ['SSM', { BOXLET_KEYS_PARAMETER: '/boxlet/test/keys' }],
    ['Secrets Manager', { BOXLET_KEYS_SECRET: 'boxlet-keys' }],
  ])('lie in %s and let in those who have one, and nobody else', async (_name, environment) => {
    const host = await open(environment)
    const status = async (headers: Record<string, string>) => {
      const event = functionUrl('GET', '/v1/models', { headers, caller: null })
      return parse<Whole>((await host.invoke(event)).payload).statusCode
    }
    expect(await status({})).toBe(401)
    expect(await status({ authorization: `Bearer ${bearer.key.slice(0, -1)}` })).toBe(401)
    expect(await status({ authorization: `Bearer ${bearer.key}` })).toBe(200)
    expect(await status({ 'x-api-key': bearer.key })).toBe(200)
    const direct = await host.invoke({ image: picture.toString('base64') })
    expect(direct.functionError).toBeUndefined()
  })

  it('let callers in behind a load balancer, which takes answers of a mebibyte', async () => {
    const host = await open({ BOXLET_KEYS_SECRET: 'boxlet-keys' })
    const detect = async (accept: string) => {
      const headers = { authorization: `Bearer ${bearer.key}`, 'content-type': 'image/jpeg', accept }
      const body = picture.toString('base64')
      const event = loadBalancer('POST', '/v1/detect', { headers, body, isBase64Encoded: true })
      return parse<Whole>((await host.invoke(event)).payload)
    }
    expect((await detect('application/json')).statusCode).toBe(200)
    const beyond = await detect('image/png')
    expect(beyond.statusCode).toBe(413)
    expect(beyond.body).toContain('1048576 bytes')
  })

  it('that are not there are the fault of the operator', async () => {
    for (const environment of [
      {},
      { BOXLET_KEYS_PARAMETER: '/nothing' },
      { BOXLET_KEYS_SECRET: 'nothing' },
    ]) {
      const host = await open(environment)
      const headers = { authorization: `Bearer ${bearer.key}` }
      const event = functionUrl('GET', '/v1/models', { headers, caller: null })
      expect(parse<Whole>((await host.invoke(event)).payload).statusCode).toBeGreaterThanOrEqual(500)
    }
  })

  describe('in the hands of an unmodified Rekognition client', () => {
    let front: HttpFront
    beforeAll(async () => {
      front = await startFunctionUrl(await open({ BOXLET_KEYS_SECRET: 'boxlet-keys' }))
    })
    afterAll(() => front?.close())
    const detect = (accessKeyId: string, secretAccessKey: string) =>
      new RekognitionClient({
        endpoint: front.endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId, secretAccessKey },
        maxAttempts: 1,
      }).send(new DetectLabelsCommand({ Image: { Bytes: picture } }))

    it('get typed labels through a function URL', async () => {
      const { Labels } = await detect(access.stored.id, access.secret)
      expect(Labels?.map(({ Name }) => Name)).toContain('Bus')
    })

    it('are refused by the names that the client knows', async () => {
      await expect(detect(access.stored.id, 'wrong')).rejects.toMatchObject({
        name: 'InvalidSignatureException',
      })
      await expect(detect('AKIAIOSFODNN7EXAMPLE', access.secret)).rejects.toMatchObject({
        name: 'UnrecognizedClientException',
      })
    })
  })
})
