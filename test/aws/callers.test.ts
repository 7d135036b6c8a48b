import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBearerKey } from '../../src/api/auth/create-key.ts'
import type { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import {
  functionUrl,
  httpApi,
  labelsOf,
  loadBalancer,
  type Native,
  parse,
  restApi,
  type Whole,
} from './events.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'

const image = picture.toString('base64')
const sent = { body: image, isBase64Encoded: true, headers: { 'content-type': 'image/jpeg' } }
const keysAt = { BOXLET_AUTH: 'keys', BOXLET_KEYS_PARAMETER: '/boxlet/test/keys' }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(!canRunPackage)('callers of the packaged function', () => {
  let packaged: Packaged
  beforeAll(async () => {
    packaged = await packageFunction()
  }, 240_000)
  afterAll(() => packaged?.close())
  const whole = async (host: LambdaHost, event: unknown) => parse<Whole>((await host.invoke(event)).payload)

  it('with IAM get in where the event names a principal, and else not', async () => {
    const host = await packaged.open()
    for (const make of [functionUrl, httpApi, restApi]) {
      expect((await whole(host, make('POST', '/v1/detect', sent))).statusCode).toBe(200)
      const refused = await whole(host, make('POST', '/v1/detect', { ...sent, caller: null }))
      expect(refused.statusCode).toBe(403)
      expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'FORBIDDEN' } })
    }
    expect((await whole(host, loadBalancer('POST', '/v1/detect', sent))).statusCode).toBe(403)
  })

  it('get in nowhere but by direct calls while nobody has said how they are checked', async () => {
    const host = await packaged.open({ environment: { BOXLET_AUTH: '' } })
    const refused = await whole(host, functionUrl('POST', '/v1/detect', { ...sent, caller: null }))
    expect(refused.statusCode).toBe(403)
    expect(labelsOf(parse<Native>((await host.invoke({ image })).payload))).toContain('bus')
  })

  it('with keys are refused while the keys cannot be read, and direct calls do not need them', async () => {
    const host = await packaged.open({
      environment: keysAt,
      credentials: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' },
    })
    const headers = {
      ...sent.headers,
      authorization: `Bearer ${(await createBearerKey('a', new Date())).key}`,
    }
    const answer = await whole(host, httpApi('POST', '/v1/detect', { ...sent, headers, caller: null }))
    expect(answer.statusCode).toBe(503)
    expect(JSON.parse(answer.body).error).toMatchObject({
      code: 'AWS_FAILED',
      hint: expect.stringContaining('VPC'),
    })
    expect(labelsOf(parse<Native>((await host.invoke({ image })).payload))).toContain('bus')
  })

  describe('behind slow services', () => {
    let server: Server
    let endpoint: string
    let answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
    beforeAll(async () => {
      server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    afterAll(() => {
      server.closeAllConnections()
      server.close()
    })

    it('each get the time of their own call, whatever the first one took', async () => {
      const key = await createBearerKey('a', new Date())
      answer = async ({ headers }, response) => {
        if (headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
          await sleep(5000)
          const Value = JSON.stringify({ version: 1, keys: [key.stored] })
          response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
          response.end(JSON.stringify({ Parameter: { Value } }))
        } else {
          await sleep(2500)
          response.writeHead(200, { 'content-length': picture.length }).end(picture)
        }
      }
      const host = await packaged.open({
        environment: keysAt,
        timeoutMs: 7000,
        credentials: { AWS_ENDPOINT_URL: endpoint },
      })
      const headers = { authorization: `Bearer ${key.key}` }
      const first = await whole(host, functionUrl('GET', '/v1/models', { headers, caller: null }))
      expect(first.statusCode).toBe(200)
      const second = await host.invoke({ s3: { bucket: 'bucket', key: 'slow.jpg' } })
      expect(labelsOf(parse<Native>(second.payload))).toContain('bus')
    })

    it('get an answer before Lambda ends the call, also from keys that do not come', async () => {
      answer = async () => {}
      const host = await packaged.open({
        environment: keysAt,
        timeoutMs: 2500,
        credentials: { AWS_ENDPOINT_URL: endpoint },
      })
      const key = await createBearerKey('a', new Date())
      const headers = { authorization: `Bearer ${key.key}` }
      const waiting = await whole(host, functionUrl('GET', '/v1/models', { headers, caller: null }))
      expect(waiting.statusCode).toBe(504)
      const direct = await host.invoke({ s3: { bucket: 'bucket', key: 'never.jpg' } })
      expect(parse(direct.payload)).toMatchObject({ errorType: 'TIMEOUT' })
      expect(host.environments).toBe(1)
    })
  })
})
