import { describe, expect, it } from 'vitest'
import { fakeSession } from '../../../test/support/aws-session.ts'
import { checkEndpoint, type EndpointOptions } from './endpoint-check.ts'

const detected = JSON.stringify({ model: { name: 'm' }, images: [{ detections: [] }] })
const ownError = (code: string) => JSON.stringify({ error: { code, message: code } })

async function check(
  answers: ([number, string] | Error)[],
  more: Partial<EndpointOptions> = {},
): Promise<{ result: Awaited<ReturnType<typeof checkEndpoint>>; requests: Request[] }> {
  const requests: Request[] = []
  const result = await checkEndpoint(fakeSession({}).session, {
    url: 'https://abc.lambda-url.eu-west-1.on.aws/',
    auth: 'iam',
    bearer: undefined,
    picture: new Uint8Array([1, 2, 3]),
    signal: new AbortController().signal,
    pauseMs: 1,
    fetch: async (target, init) => {
      requests.push(new Request(target as URL, init))
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      if (answer instanceof Error) {
        throw answer
      }
      return new Response(answer[1], { status: answer[0] })
    },
    ...more,
  })
  return { result, requests }
}

describe('the check of the endpoint', () => {
  it('sends a signed picture where AWS checks callers', async () => {
    const { result, requests } = await check([[200, detected]])
    expect(result).toEqual({ reached: true, detects: true })
    expect(requests[0]?.url).toBe('https://abc.lambda-url.eu-west-1.on.aws/v1/detect')
    expect(requests[0]?.headers.get('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/lambda\/aws4_request/,
    )
  })

  it('sends the key that was just made', async () => {
    const { requests } = await check([[200, detected]], { auth: 'keys', bearer: 'boxlet_key' })
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer boxlet_key')
  })

  it('is content with being asked for a key where it knows none', async () => {
    const { result } = await check([[401, ownError('UNAUTHENTICATED')]], { auth: 'keys' })
    expect(result).toEqual({ reached: true, detects: false })
  })

  it('waits for permissions to spread, then says which ones are missing', async () => {
    expect(
      (
        await check([
          [403, '{"Message":"Forbidden"}'],
          [200, detected],
        ])
      ).requests,
    ).toHaveLength(2)
    await expect(check([[403, '{"Message":"Forbidden"}']])).rejects.toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('lambda:InvokeFunctionUrl'),
    })
    await expect(check([[403, '{"Message":"Forbidden"}']], { auth: 'keys' })).rejects.toMatchObject({
      hint: expect.stringContaining('UrlInvokePermission'),
    })
  })

  it('finds that the function itself fails', async () => {
    await expect(check([[500, ownError('MODEL_RUN_FAILED')]])).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining('MODEL_RUN_FAILED'),
    })
    await expect(check([[502, 'Internal Server Error']])).rejects.toMatchObject({ code: 'DEPLOY_FAILED' })
  })

  it('is skipped where the name cannot be resolved, and fails where nothing answers', async () => {
    const broken = (code: string) => Object.assign(new TypeError('fetch failed'), { cause: { code } })
    expect((await check([broken('ENOTFOUND')])).result).toEqual({
      reached: false,
      reason: 'the name abc.lambda-url.eu-west-1.on.aws cannot be resolved from here yet',
    })
    await expect(check([broken('ECONNREFUSED')])).rejects.toMatchObject({ code: 'AWS_FAILED' })
  })
})
