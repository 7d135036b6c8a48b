import { SignatureV4 } from '@smithy/signature-v4'
import { beforeAll, describe, expect, it } from 'vitest'
import { singleDetector, type TestApp, testApp } from '../../../test/support/app.ts'
import type { DetectorLike } from '../../detector/types.ts'
import type { Connection } from '../connection.ts'
import { createAccessKey, createBearerKey } from './create-key.ts'
import { constantTimeEqual, WebSha256 } from './crypto.ts'
import { keyAuthenticator } from './key-authenticator.ts'
import type { AccessKey, BearerKey, KeyStore } from './key-store.ts'

const NOW = Date.UTC(2026, 10, 21, 8, 30, 0)
const HOST = 'boxlet.example:8080'

describe('authentication', () => {
  let bearerKey: string
  let access: AccessKey
  let test: TestApp
  const now = NOW
  let status = 200
  const stored = new Map<string, unknown>()
  const keys: KeyStore = {
    bearer: async (id) => stored.get(id) as BearerKey | undefined,
    access: async (id) => stored.get(id) as AccessKey | undefined,
  }
  const detector = {
    model: { name: 'x', family: 'x', sha256: '', licence: null, contract: { labels: [] }, evidence: [] },
    detect: async () => {
      if (status !== 200) {
        throw new Error('fault')
      }
      return { image: { width: 99, height: 99 }, detections: [], timings: {} }
    },
  } as unknown as DetectorLike

  beforeAll(async () => {
    const bearer = await createBearerKey('test', new Date(NOW))
    bearerKey = bearer.key
    stored.set(bearer.stored.id, bearer.stored)
    const created = createAccessKey('test', new Date(NOW)).stored
    access = created as unknown as AccessKey
    stored.set(created.id, created)
    test = testApp(singleDetector(detector), { auth: keyAuthenticator(keys, () => now) })
  })

  interface Call {
    method?: string
    target?: string
    body?: string
    headers?: Record<string, string>
    service?: string
    secret?: string
    id?: string
    at?: number
  }

  /** Signs as AWS's own clients do. */
  async function sign(call: Call): Promise<Record<string, string>> {
    const {
      method = 'POST',
      target = '/v1/detect',
      body = 'picture',
      headers = {},
      service = 'rekognition',
    } = call
    const signer = new SignatureV4({
      service,
      region: 'eu-central-1',
      credentials: { accessKeyId: call.id ?? access.id, secretAccessKey: call.secret ?? access.secret },
      sha256: WebSha256,
    })
    const [path = '/', search = ''] = target.split('?')
    const signed = await signer.sign(
      {
        method,
        protocol: 'http:',
        hostname: 'boxlet.example',
        path,
        query: Object.fromEntries(new URLSearchParams(search)),
        headers: { host: HOST, ...headers },
        body,
      },
      { signingDate: new Date(call.at ?? NOW) },
    )
    return signed.headers
  }

  async function send(
    call: Call,
    headers: Record<string, string>,
  ): Promise<{ status: number; text: string }> {
    const { method = 'POST', target = '/v1/detect', body = 'picture' } = call
    const withBody = method !== 'GET'
    const connection: Connection = { target, ...(withBody ? {} : { body: new Blob([body]).stream() }) }
    const response = await test.app.fetch(
      new Request(`http://${HOST}${target}`, { method, headers, ...(withBody ? { body } : {}) }),
      connection,
    )
    return { status: response.status, text: await response.text() }
  }
  const signedCall = async (call: Call) => (await send(call, await sign(call))).status

  it('lets in a bearer key, in either header', async () => {
    expect((await send({}, { authorization: `Bearer ${bearerKey}` })).status).toBe(200)
    expect((await send({}, { 'x-api-key': bearerKey })).status).toBe(200)
    expect(test.records.at(-1)?.client).toBe(bearerKey.split('_')[1])
  })

  it('keeps everyone else out and tells them nothing more', async () => {
    for (const authorization of [
      undefined,
      'Bearer ',
      'Bearer nonsense',
      `Bearer ${bearerKey}x`,
      `Bearer ${bearerKey.slice(0, -1)}${bearerKey.endsWith('A') ? 'B' : 'A'}`,
      `Basic ${bearerKey}`,
      `Bearer boxlet_${'a'.repeat(12)}_${'a'.repeat(43)}`,
      'AWS4-HMAC-SHA256',
      'AWS4-HMAC-SHA256 Credential=x',
    ]) {
      const { status: got, text } = await send({}, authorization === undefined ? {} : { authorization })
      expect([authorization, got]).toEqual([authorization, 401])
      expect(text).not.toContain(access.secret)
    }
  })

  it('leaves probes and the OpenAPI document open, and nothing else', async () => {
    for (const path of ['/healthz', '/readyz', '/v2/health/live', '/openapi.json']) {
      expect([path, (await test.send(path)).status]).toEqual([path, 200])
    }
    for (const path of ['/v1/models', '/v1/models/tiny', '/v2/models/tiny', '/yolambda', '/icevision']) {
      expect([path, (await test.send(path)).status]).toEqual([path, 401])
    }
  })

  it('verifies signatures of an AWS client', async () => {
    expect(await signedCall({})).toBe(200)
    expect(await signedCall({ service: 'lambda' })).toBe(200)
    expect(await signedCall({ target: '/v1/detect?minScore=0.5&classes=a%20b' })).not.toBe(401)
    expect(
      await signedCall({ headers: { 'content-type': 'image/jpeg', 'x-amz-meta-note': '  two   words ' } }),
    ).toBe(200)
  })

  it('verifies a signed GET with a body', async () => {
    const call = { method: 'GET', target: '/yolambda', body: '{"image":"AAAA"}', service: 'lambda' }
    expect(await signedCall(call)).toBe(200)
    expect((await send({ ...call, body: '{"image":"BBBB"}' }, await sign(call))).status).toBe(401)
  })

  it.each<[string, Call]>([
    ['another secret', { secret: 'wrong' }],
    ['an unknown key', { id: 'BOXLAAAAAAAAAAAAAAAA' }],
    ['another service', { service: 's3' }],
    ['a time long ago', { at: NOW - 6 * 60_000 }],
    ['a time to come', { at: NOW + 6 * 60_000 }],
  ])('refuses %s', async (_what, call) => {
    expect(await signedCall(call)).toBe(401)
  })

  it('accepts a clock that is a little off', async () => {
    expect(await signedCall({ at: NOW - 4 * 60_000 })).toBe(200)
    expect(await signedCall({ at: NOW + 4 * 60_000 })).toBe(200)
  })

  it('refuses a request that was changed on the way', async () => {
    const call = { target: '/v1/detect?minScore=0.5' }
    const headers = await sign(call)
    expect((await send(call, headers)).status).toBe(200)
    const changed: [string, Call, Record<string, string>][] = [
      ['body', { ...call, body: 'another' }, headers],
      ['body without its hash', { ...call, body: 'another' }, without(headers, 'x-amz-content-sha256')],
      ['query', { target: '/v1/detect?minScore=0.1' }, headers],
      ['path', { target: '/yolambda?minScore=0.5' }, headers],
      ['host', call, { ...headers, host: 'other.example' }],
      ['date', call, { ...headers, 'x-amz-date': '20261121T083001Z' }],
      ['an unsigned x-amz header', call, { ...headers, 'x-amz-target': 'RekognitionService.DetectFaces' }],
      ['a declared unsigned body', call, { ...headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }],
    ]
    for (const [what, other, sent] of changed) {
      expect([what, (await send(other, sent)).status]).toEqual([what, 401])
    }
  })

  it('takes a numbered call once, and again after it failed', async () => {
    const call = { headers: { 'amz-sdk-invocation-id': 'a8b1', 'amz-sdk-request': 'attempt=1; max=3' } }
    const headers = await sign(call)
    status = 500
    expect((await send(call, headers)).status).toBe(500)
    status = 200
    expect((await send(call, headers)).status).toBe(200)
    expect((await send(call, headers)).status).toBe(401)
  })

  it('lets the same signature in again where the client does not number its calls', async () => {
    const headers = await sign({})
    expect((await send({}, headers)).status).toBe(200)
    expect((await send({}, headers)).status).toBe(200)
  })

  it('refuses a key that was revoked', async () => {
    const headers = await sign({ body: 'later' })
    stored.delete(access.id)
    expect((await send({ body: 'later' }, headers)).status).toBe(401)
    stored.set(access.id, access)
  })

  it('answers an AWS client in its own words', async () => {
    const target = { 'x-amz-target': 'RekognitionService.DetectLabels' }
    const wrong = { target: '/', body: '{}', headers: target, secret: 'wrong' }
    const { status: got, text } = await send(wrong, await sign(wrong))
    expect(got).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ __type: 'InvalidSignatureException' })
    expect(JSON.parse((await send({ target: '/', body: '{}' }, target)).text)).toMatchObject({
      __type: 'MissingAuthenticationTokenException',
    })
  })

  it('trusts the platform that has checked already', async () => {
    const response = await test.app.fetch(new Request(`http://${HOST}/v1/models`), {
      principal: 'arn:aws:iam::1:role/x',
    })
    expect(response.status).toBe(200)
    expect(test.records.at(-1)?.client).toBe('arn:aws:iam::1:role/x')
  })
})

const without = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))

describe('constantTimeEqual', () => {
  it('agrees with plain comparison', () => {
    for (const [a, b] of [
      ['', ''],
      ['a', 'a'],
      ['a', 'b'],
      ['a', ''],
      ['', 'a'],
      ['ab', 'aba'],
      ['aba', 'ab'],
      ['aa', 'a'],
    ]) {
      expect(constantTimeEqual(a as string, b as string)).toBe(a === b)
    }
  })
})
