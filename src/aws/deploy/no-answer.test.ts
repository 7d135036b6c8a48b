import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { awsFault, isPassing, openSession } from './session.ts'

const NONE = '/none'

afterEach(() => vi.unstubAllEnvs())

/** Opens a session where only this answers. */
async function openAgainst(status: number, media: string, body: string): Promise<unknown> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': media }).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
  return openSession('eu-west-1')
    .catch((error: unknown) => error)
    .finally(() => server.close())
}

describe('a service of AWS that does not answer', () => {
  it.each([
    [200, 'text/html', '<html><body>Sign in<br></body></html>', 'text/html with status 200'],
    [404, 'text/html', '<html><body><p>Not here</body></html>', 'text/html with status 404'],
    [502, 'text/html; charset=utf-8', '<html><title>502</title></html>', 'text/html with status 502'],
    [200, 'text/xml', '<Other><a>1</a></Other>', 'with status 200'],
    [200, 'text/plain', 'ok', 'with status 200'],
  ])('is told from another server in its place: %i %s', async (status, media, body, received) => {
    const error = await openAgainst(status, media, body)
    expect(error).toMatchObject({
      code: 'AWS_FAILED',
      message: expect.stringContaining(`${received} that is no answer of AWS.`),
      hint: expect.stringContaining('AWS_ENDPOINT_URL'),
    })
    expect(String(error)).not.toMatch(/sdk|\$response|deserial/i)
  })

  it('has no host where there is no such region, which may also be the network', () => {
    const hostname = 'sts.eu-nowhere-9.amazonaws.com'
    const cause = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), {
      code: 'ENOTFOUND',
      hostname,
    })
    const fault = awsFault('tell who the caller is', cause)
    expect(fault).toMatchObject({
      message: `Expected AWS to tell who the caller is but ${hostname} cannot be found (ENOTFOUND).`,
      hint: expect.stringContaining('region'),
    })
    expect(isPassing(fault)).toBe(true)
  })

  it('is named by its status where it says nothing', () => {
    const cause = Object.assign(new Error('UnknownError'), {
      name: 'Unknown',
      $metadata: { httpStatusCode: 301 },
    })
    expect(awsFault('tell whether the bucket photos exists', cause).message).toContain(
      'answered with status 301',
    )
  })
})

describe('credentials', () => {
  it.each(['eu-west-1', undefined])(
    'of a profile that is not there are told so, region %s',
    async (region) => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']) {
        vi.stubEnv(name, undefined)
      }
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
      vi.stubEnv('AWS_CONFIG_FILE', NONE)
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', NONE)
      vi.stubEnv('AWS_PROFILE', 'fridge')
      await expect(openSession(region)).rejects.toMatchObject({
        code: 'FORBIDDEN',
        message: 'Expected the profile "fridge" of AWS_PROFILE but there is none.',
      })
    },
  )
})
