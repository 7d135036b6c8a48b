import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testApp } from '../../test/support/app.ts'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { startTestService, type TestService } from '../../test/support/service.ts'
import { createAccessKey, createBearerKey } from '../api/auth/create-key.ts'
import { listen } from './http-server.ts'
import { changeKeys } from './key-file.ts'
import type { ServiceOptions } from './service-options.ts'
import { TrustedProxies } from './trusted-proxy.ts'

const GOOD = '127.0.0.1'
const BAD = '127.0.0.2'
const DECLARED = 'Host: localhost\r\nContent-Length: 30000000\r\n\r\nabc'
const CHUNKED = 'Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'

let folder: string
let picture: Uint8Array<ArrayBuffer>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-attack-'))
  picture = new Uint8Array(await readFile('examples/pictures/coffee.png'))
  const values = yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6)
  const model = constantModel(
    [{ name: 'images', shape: [1, 3, 64, 64] }],
    [{ name: 'output0', shape: [1, 6, 84], values }],
    { task: 'detect', names: "{0: 'cat', 1: 'dog'}" },
  )
  await writeFile(join(folder, 'pets.onnx'), model)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const start = (changes: Partial<ServiceOptions> = {}): Promise<TestService> =>
  startTestService({
    pool: {
      models: [{ name: 'pets', model: join(folder, 'pets.onnx'), options: {} }],
      workers: 1,
      threads: 1,
      queue: 100,
      tasksPerWorker: 1,
    },
    ...changes,
  })

const detect = ({ url }: { url: string }, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/detect`, { method: 'POST', body: picture, headers })

/** As many connections from one address, each of which has sent the text. */
async function send(port: number, count: number, text: string, localAddress = BAD): Promise<Socket[]> {
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve) => {
          const socket = connect({ port, host: GOOD, localAddress })
          socket.on('error', () => {})
          socket.once('close', () => resolve(socket))
          socket.once('connect', () => {
            socket.write(text)
            resolve(socket)
          })
        }),
    ),
  )
}

const close = (sockets: readonly Socket[]) => {
  for (const socket of sockets) {
    socket.destroy()
  }
}

const NOTHING = { reading: 0, working: 0, bytes: 0, clients: 0 }
const PATIENT = { timeout: 20_000 }

describe('slow uploads', () => {
  it.each([
    ['of a declared length', DECLARED],
    ['in chunks', CHUNKED],
  ])('%s leave no place, no socket and no memory behind, round after round', async (_how, body) => {
    const service = await start({ limits: { deadlineMs: 1_500, reading: 40 } })
    const memory: number[] = []
    for (let round = 0; round < 4; round++) {
      const slow = await send(service.port, 60, `POST /v1/detect HTTP/1.1\r\n${body}`)
      expect((await detect(service)).status).toBe(200)
      await expect.poll(() => service.app.usage, PATIENT).toEqual(NOTHING)
      expect((await detect(service)).status).toBe(200)
      close(slow)
      await expect.poll(() => service.connections, PATIENT).toBeLessThanOrEqual(2)
      memory.push(process.memoryUsage().arrayBuffers)
    }
    // Bodies that were announced, 30 MB each, are never asked for in full.
    expect(Math.max(...memory) - memory[0]!).toBeLessThan(32 * 2 ** 20)
    expect(await service.stop()).toBe(true)
  })

  it('hold nobody else out while they last', async () => {
    const service = await start({ limits: { reading: 40 } })
    const slow = await send(service.port, 80, `POST /v1/detect HTTP/1.1\r\n${DECLARED}`)
    await expect.poll(() => service.app.usage.reading, PATIENT).toBe(40)
    const answers = await Promise.all(Array.from({ length: 10 }, () => detect(service)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(service.app.usage.reading).toBeGreaterThan(20)
    close(slow)
    await expect.poll(() => service.app.usage, PATIENT).toEqual(NOTHING)
    await service.stop()
  })

  it.each([
    ['slow bodies', `POST /v1/detect HTTP/1.1\r\n${DECLARED}`],
    ['bodies in chunks', `POST /v1/detect HTTP/1.1\r\n${CHUNKED}`],
    ['half a head', 'POST /v1/detect HTTP/1.1\r\nHost: a'],
    ['nothing at all', ''],
  ])('do not hold up a service that stops: %s', async (_what, text) => {
    // With a grace beyond the limit of the test, which ends because the service does not wait for it.
    const service = await start({ graceMs: 600_000, limits: { deadlineMs: 600_000 } })
    const slow = await send(service.port, 30, text)
    await expect.poll(() => service.connections, PATIENT).toBe(30)
    expect((await detect(service)).status).toBe(200)
    expect(await service.stop()).toBe(true)
    close(slow)
  })
})

describe('forged signatures over slow bodies', () => {
  it('hold none of the places of those who have keys', async () => {
    const keyFile = join(folder, 'keys.json')
    const { stored, key } = await createBearerKey('good', new Date())
    const access = createAccessKey('known', new Date())
    await changeKeys(keyFile, () => [stored, access.stored])
    const service = await start({ requireKeys: true, keyFile, limits: { reading: 20 } })
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
    const forged = (extra: string, names: string) =>
      [
        'POST /v1/detect HTTP/1.1',
        `X-Amz-Date: ${now}`,
        `${extra}Authorization: AWS4-HMAC-SHA256 Credential=${access.stored.id}/${now.slice(0, 8)}/us-east-1/rekognition/aws4_request, SignedHeaders=host;${names}, Signature=${'0'.repeat(64)}`,
        DECLARED,
      ].join('\r\n')
    for (const from of [BAD, GOOD]) {
      const slow = await send(service.port, 40, forged('', 'x-amz-date'), from)
      await expect.poll(() => service.app.usage.reading, PATIENT).toBe(20)
      const headers = { authorization: `Bearer ${key}` }
      const answers = await Promise.all(Array.from({ length: 5 }, () => detect(service, headers)))
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
      close(slow)
      await expect.poll(() => service.app.usage, PATIENT).toEqual(NOTHING)
    }
    // A hash that was sent ahead lets the signature be looked at before anything is held.
    const hash = `X-Amz-Content-Sha256: ${'0'.repeat(64)}\r\n`
    const early = await send(service.port, 10, forged(hash, 'x-amz-content-sha256;x-amz-date'))
    const said = await Promise.all(
      early.map(
        (socket) => new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`))),
      ),
    )
    expect(said.every((text) => text.startsWith('HTTP/1.1 401'))).toBe(true)
    expect(service.app.usage.reading).toBe(0)
    close(early)
    await service.stop()
  })
})

describe('tensors as text', () => {
  const elements = 3 * 64 * 64
  const request = (data: unknown) =>
    JSON.stringify({ inputs: [{ name: 'images', shape: [1, 3, 64, 64], datatype: 'FP32', data }] })
  const values = Array.from({ length: elements }, (_, i) => i / 7)
  const infer = ({ url }: TestService, body: string) =>
    fetch(`${url}/v2/models/pets/infer`, { method: 'POST', body })

  it('are read beside the thread that answers, whole and in turns', async () => {
    const service = await start()
    const bodies = [request(values), request([[values, []]]), request([...values, 1]), request(['1'])]
    const answers = await Promise.all([...bodies, ...bodies].map((body) => infer(service, body)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 400, 200, 200, 400, 400])
    const { outputs } = (await answers[0]!.json()) as { outputs: { shape: number[]; data: number[] }[] }
    expect(outputs[0]!.shape).toEqual([1, 6, 84])
    await service.stop()
  })

  it('are refused where there are more numbers than the model takes', async () => {
    const service = await start()
    const answer = await infer(service, request([]).replace('[]', `[${'0,'.repeat(20_000_000)}0]`))
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining('at most') }])
    await service.stop()
  })

  it('that nobody waits for any more hold up no others', async () => {
    const service = await start({ limits: { deadlineMs: 1_500 } })
    const slow = request([]).replace('[]', `[${'[0],'.repeat(10_000)}0${' '.repeat(60_000_000)}]`)
    const [late, other] = await Promise.all([infer(service, slow), infer(service, request(values))])
    expect([400, 504]).toContain(late.status)
    expect([200, 504]).toContain(other.status)
    expect((await infer(service, request(values))).status).toBe(200)
    await expect.poll(() => service.app.usage, PATIENT).toEqual(NOTHING)
    await service.stop()
  })
})

describe('connections', () => {
  const app = testApp({
    names: [],
    defaultName: '',
    ready: () => true,
    get: () => Promise.reject(new Error('none')),
  }).app

  it('that send nothing, or half a head, are closed in time', async () => {
    const server = await listen(app, { host: GOOD, port: 0, headersTimeoutMs: 500 })
    const quiet = await send(server.port, 20, '')
    const half = await send(server.port, 20, 'GET /healthz HTTP/1.1\r\nHost: a')
    for (const socket of half) {
      socket.resume()
    }
    const health = () => fetch(`${server.url}/healthz`)
    expect((await health()).status).toBe(200)
    await expect.poll(() => [...quiet, ...half].filter((socket) => !socket.closed).length, PATIENT).toBe(0)
    expect((await health()).status).toBe(200)
    await server.close()
  })

  it('of one address leave room for others, and for those of its own that ask for something', async () => {
    const server = await listen(app, { host: GOOD, port: 0 })
    const silent = await send(server.port, 1_100, '')
    await expect.poll(() => server.connections, PATIENT).toBe(1_024)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    const own = await send(server.port, 1, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answer = await new Promise<string>((resolve) => own[0]!.once('data', (data) => resolve(`${data}`)))
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    close([...silent, ...own])
    await server.close()
  })

  it('with more than 100 headers are refused, whatever stands behind the hundredth', async () => {
    const server = await listen(app, { host: GOOD, port: 0 })
    const head = (count: number) =>
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'X-A: b\r\n'.repeat(count - 1)}\r\n`
    for (const [count, status] of [
      [100, 200],
      [101, 431],
      [1_000, 431],
    ] as const) {
      const [socket] = await send(server.port, 1, head(count))
      const answer = await new Promise<string>((resolve) =>
        socket!.once('data', (data) => resolve(`${data}`)),
      )
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`))
      close([socket!])
    }
    await server.close()
  })
})

describe('trusted proxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '127.0.0.1', '::1'])
  it.each([
    ['nobody is believed who is no proxy', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['the proxy names its caller', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['what the caller wrote itself stands further left', '127.0.0.1', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['proxies may stand in a row', '127.0.0.1', '203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['a proxy that names nobody is the caller', '127.0.0.1', undefined, '127.0.0.1'],
    ['what is no address ends the row', '127.0.0.1', 'unknown', '127.0.0.1'],
    ['IPv4 inside IPv6 is IPv4', '::ffff:127.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['ports are left out', '::1', '203.0.113.9:5000', '203.0.113.9'],
  ])('%s', (_what, address, forwarded, client) => {
    expect(proxies.clientOf(address, forwarded)).toBe(client)
  })
  it('refuse what is no address', () => {
    expect(() => new TrustedProxies(['proxy.local'])).toThrowError(expect.objectContaining({ code: 'USAGE' }))
  })
})
