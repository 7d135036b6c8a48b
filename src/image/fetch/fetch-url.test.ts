import type { lookup as dnsLookup } from 'node:dns'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchImage } from './fetch-url.ts'
import { isPublicAddress } from './public-address.ts'

/** A resolver that gives the listed answers in turn, as a name under an attacker's control does. */
const answers = (...turns: string[][]): typeof dnsLookup => {
  let turn = 0
  return ((_host: string, _options: object, callback: (error: null, found: object[]) => void) => {
    const addresses = turns[Math.min(turn++, turns.length - 1)] as string[]
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as typeof dnsLookup
}

describe('fetchImage', () => {
  let server: Server
  let origin: string
  let hits = 0
  const local = { allowHttp: true, allowPrivate: true }

  beforeAll(async () => {
    server = createServer((request, response) => {
      hits++
      const path = new URL(request.url ?? '/', 'http://x').pathname
      if (path === '/picture') {
        response.end(Buffer.from([1, 2, 3]))
      } else if (path === '/hop') {
        response.writeHead(302, { location: '/picture' }).end()
      } else if (path === '/loop') {
        response.writeHead(302, { location: '/loop' }).end()
      } else if (path === '/to-file') {
        response.writeHead(302, { location: 'file:///etc/passwd' }).end()
      } else if (path === '/declared') {
        response.writeHead(200, { 'content-length': 1e9 }).write('x')
      } else if (path === '/endless') {
        const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1)
        response.on('close', () => clearInterval(timer))
      } else if (path === '/silent') {
        return
      } else {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('returns the bytes, through a redirect too', async () => {
    expect([...(await fetchImage(`${origin}/picture`, local))]).toEqual([1, 2, 3])
    expect([...(await fetchImage(`${origin}/hop`, local))]).toEqual([1, 2, 3])
  })

  it.each([
    'http://example.com/a.jpg',
    'ftp://example.com/a.jpg',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'not an address',
    'https://user:secret@example.com/a.jpg',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::7f00:1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://10.0.0.1/',
    'https://100.100.100.200/',
    `https://example.com/${'a'.repeat(9000)}`,
  ])('refuses %s before connecting', async (address) => {
    await expect(fetchImage(address)).rejects.toMatchObject({ code: 'URL_REFUSED' })
  })

  it('refuses a name that resolves to a private address, also among public ones', async () => {
    const before = hits
    for (const turn of [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::ffff:127.0.0.1'], ['fe80::1']]) {
      const address = origin.replace('127.0.0.1', 'rebind.example')
      await expect(
        fetchImage(`${address}/picture`, { allowHttp: true, lookup: answers(turn) }),
      ).rejects.toMatchObject({
        code: 'URL_REFUSED',
      })
    }
    expect(hits).toBe(before)
  })

  it('checks the very answer that it connects to, so a changing answer gains nothing', async () => {
    const before = hits
    let asked = 0
    const rebinding = answers(['93.184.216.34'], ['127.0.0.1'])
    const lookup = ((...args: Parameters<typeof dnsLookup>) => {
      asked++
      return rebinding(...args)
    }) as typeof dnsLookup
    const address = `${origin.replace('127.0.0.1', 'rebind.example')}/picture`
    await expect(fetchImage(address, { allowHttp: true, lookup, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'URL_FAILED',
    })
    expect(asked).toBe(1)
    expect(hits).toBe(before)
  })

  it('names the schemes that it takes', async () => {
    await expect(fetchImage('file:///etc/passwd')).rejects.toThrow('Expected an https address')
    await expect(fetchImage('file:///etc/passwd', local)).rejects.toThrow('Expected an http or https address')
    await expect(fetchImage('nothing', local)).rejects.toThrow('Expected an absolute http or https address')
  })

  it('checks each redirect again', async () => {
    await expect(fetchImage(`${origin}/to-file`, local)).rejects.toMatchObject({ code: 'URL_REFUSED' })
    await expect(fetchImage(`${origin}/loop`, local)).rejects.toMatchObject({ code: 'URL_FAILED' })
  })

  it('stops at the byte limit, declared or not', async () => {
    const limited = { ...local, maxBytes: 5000 }
    await expect(fetchImage(`${origin}/declared`, limited)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    await expect(fetchImage(`${origin}/endless`, limited)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })

  it('stops at the deadline and at the wish of the caller', async () => {
    await expect(fetchImage(`${origin}/silent`, { ...local, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'URL_FAILED',
    })
    const caller = new AbortController()
    const pending = fetchImage(`${origin}/silent`, { ...local, signal: caller.signal })
    caller.abort()
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('tells a missing picture from a failing host, without naming addresses', async () => {
    await expect(fetchImage(`${origin}/none`, local)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(fetchImage('http://127.0.0.1:1/', local)).rejects.toMatchObject({ code: 'URL_FAILED' })
  })
})

describe('isPublicAddress', () => {
  it.each(['93.184.216.34', '8.8.8.8', '2606:4700::1111'])('takes %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '192.0.0.192',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '198.18.0.1',
    '::',
    '::1',
    '::127.0.0.1',
    'fe80::1',
    'fc00::1',
    'fec0::1',
    'ff02::1',
    '2002:7f00:1::',
    '2001::1',
    '64:ff9b::a00:1',
    '::ffff:10.0.0.1',
    'localhost',
    '',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})
