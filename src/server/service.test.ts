import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { largeBytes } from '../../test/support/large-picture.ts'
import { startTestService, type TestService } from '../../test/support/service.ts'
import { streetBytes, streetModel } from '../../test/support/street.ts'
import { createBearerKey } from '../api/auth/create-key.ts'
import { changeKeys } from './key-file.ts'

const bus = () => streetBytes

/** Writes raw bytes to the service and reads until it closes the connection or the time is over. */
function raw(port: number, write: (socket: ReturnType<typeof connect>) => void, waitMs: number) {
  return new Promise<{ text: string; closed: boolean }>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const done = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed })
    }
    const timer = setTimeout(() => done(false), waitMs)
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => done(true))
    socket.on('close', () => done(true))
    socket.on('connect', () => write(socket))
  })
}

const onePool = () => ({
  models: [{ name: 'yolox-nano', model: streetModel(), options: {} }],
  workers: 1,
  threads: 1,
  queue: 100,
  tasksPerWorker: 1,
})

/** All its tiles would take far longer than a test waits. */
const slow = ({ url }: { url: string }) =>
  fetch(`${url}/v1/detect?sliceSize=128`, {
    method: 'POST',
    body: largeBytes,
  })

describe('the running service', () => {
  let service: TestService
  const detect = (init: RequestInit = {}) =>
    fetch(`${service.url}/v1/detect`, { method: 'POST', body: bus(), ...init })
  beforeAll(async () => {
    service = await startTestService()
  })
  afterAll(() => service?.stop())

  const alive = async () => {
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200)
    expect((await detect()).status).toBe(200)
  }

  it('answers health at once while every worker is busy', async () => {
    const work = Array.from({ length: 12 }, () => detect())
    const answered: string[] = []
    const health = fetch(`${service.url}/healthz`).then(() => answered.push('health'))
    void Promise.all(work).then(() => answered.push('work'))
    await health
    expect(answered).toEqual(['health'])
    expect((await Promise.all(work)).map(({ status }) => status)).toEqual(Array(12).fill(200))
  })

  it('counts and times what it does', async () => {
    await detect()
    const text = await (await fetch(`${service.url}/metrics`)).text()
    expect(text).toMatch(/boxlet_requests_total\{route="\/v1\/detect",method="POST",status="200"\} \d+/)
    for (const stage of ['queue', 'decode', 'prepare', 'run', 'boxes']) {
      expect(text).toContain(`boxlet_stage_duration_seconds_count{stage="${stage}"}`)
    }
    expect(text).toMatch(/boxlet_model_load_seconds\{model="yolox-nano"\} [\d.]+/)
    expect(text).toMatch(/boxlet_workers 1/)
    expect(text).toMatch(/process_resident_memory_bytes \d+/)
  })

  it('logs each request as one JSON line that holds nothing of the caller but its address', async () => {
    service.log.length = 0
    await detect({ headers: { 'x-request-id': 'find-me', authorization: 'Bearer secret-secret' } })
    expect(service.log).toMatchObject([
      {
        level: 'info',
        requestId: 'find-me',
        route: '/v1/detect',
        status: 200,
        pictures: 1,
        client: '127.0.0.1',
      },
    ])
    expect(JSON.stringify(service.log)).not.toContain('secret')
  })

  it('lets a client that dribbles its headers go', async () => {
    const { closed, text } = await raw(
      service.port,
      (socket) => {
        socket.write('POST /v1/detect HTTP/1.1\r\nHost: localhost\r\n')
        const timer = setInterval(() => socket.write('X-A: b\r\n'), 500)
        socket.on('close', () => clearInterval(timer))
      },
      14_000,
    )
    expect(closed).toBe(true)
    expect(text).toContain('408')
  }, 20_000)

  it('refuses huge headers, too many of them, and what is no HTTP', async () => {
    const send = (text: string) => raw(service.port, (socket) => socket.write(text), 3_000)
    expect(
      (await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`)).text,
    ).toContain('431')
    expect((await send('\x16\x03\x01 hello\r\n\r\n')).text).toContain('400')
    expect((await send('GET / HTTP/1.1\r\n\r\n')).text).toContain('400')
    expect(
      (
        await send(
          'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
        )
      ).text,
    ).toContain('400')
    await alive()
  })

  it('tells a client that asks first before it sends a large body', async () => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(`${service.url}/v1/detect`, {
        method: 'POST',
        headers: { expect: '100-continue', 'content-length': 10 ** 9 },
      })
      request.on('continue', () => reject(new Error('was told to go on')))
      request.on('response', resolve)
      request.on('error', reject)
      request.flushHeaders()
    })
    expect(response.statusCode).toBe(413)
    response.destroy()
    await alive()
  })

  it('survives callers that hang up', async () => {
    for (let i = 0; i < 10; i++) {
      await raw(
        service.port,
        (socket) => {
          socket.write('POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc')
          setTimeout(() => socket.destroy(), 10)
        },
        1_000,
      )
    }
    const caller = new AbortController()
    const pending = detect({ signal: caller.signal }).catch(() => 'gone')
    setTimeout(() => caller.abort(), 5)
    await pending
    await alive()
    await expect.poll(() => service.app.inFlight).toBe(0)
  })

  it('takes a GET with a body over the wire', async () => {
    const body = JSON.stringify({ image: Buffer.from(bus()).toString('base64') })
    const text = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`${service.url}/yolambda`, {
        method: 'GET',
        headers: { 'content-length': Buffer.byteLength(body) },
      })
      request.on('error', reject)
      request.on('response', async (response) => resolve((await response.toArray()).join('')))
      request.end(body)
    })
    expect(JSON.parse(text).detections.length).toBeGreaterThan(2)
  })

  it('answers all of a load beyond its capacity with 200 or 503 and stays itself', async () => {
    const small = await startTestService({ limits: { inFlight: 4 } })
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => fetch(`${small.url}/v1/detect`, { method: 'POST', body: bus() })),
    )
    const statuses = answers.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    for (const answer of answers) {
      if (answer.status === 503) {
        expect(answer.headers.get('retry-after')).toBe('1')
      }
    }
    expect((await fetch(`${small.url}/v1/detect`, { method: 'POST', body: bus() })).status).toBe(200)
    await small.stop()
  })

  it('replaces a worker that ends, and tells the one caller whose work it took along', async () => {
    const own = await startTestService()
    const posted = vi.spyOn(Worker.prototype, 'postMessage')
    const pending = fetch(`${own.url}/v1/detect`, { method: 'POST', body: bus() })
    await expect.poll(() => posted.mock.contexts.length).toBeGreaterThan(0)
    // A message that breaks the thread: ended from outside within a run, it would take the whole process along.
    const thread = posted.mock.contexts[0] as unknown as Worker
    const exited = new Promise((resolve) => thread.once('exit', resolve))
    thread.postMessage(null)
    posted.mockRestore()
    expect([200, 500]).toContain((await pending).status)
    await exited
    await expect.poll(() => own.pool.stats.workers, { timeout: 20_000 }).toBe(1)
    expect((await fetch(`${own.url}/v1/detect`, { method: 'POST', body: bus() })).status).toBe(200)
    await own.stop()
  })

  it('finishes accepted work when it stops, and takes no more', async () => {
    const own = await startTestService()
    const work = Array.from({ length: 6 }, () =>
      fetch(`${own.url}/v1/detect`, { method: 'POST', body: bus() }),
    )
    await expect.poll(() => own.app.inFlight).toBe(6)
    const stopped = own.stop()
    expect((await Promise.all(work)).map(({ status }) => status)).toEqual(Array(6).fill(200))
    await stopped
    await expect(fetch(`${own.url}/healthz`)).rejects.toThrow()
  })

  it('stops cutting a picture into tiles when its deadline has passed', async () => {
    const own = await startTestService({ limits: { deadlineMs: 500 } })
    const response = await fetch(`${own.url}/v1/detect?sliceSize=128`, {
      method: 'POST',
      body: largeBytes,
    })
    expect(response.status).toBe(504)
    // All its tiles would take far longer than a test waits.
    await expect.poll(() => own.pool.stats.busy, { timeout: 10_000 }).toBe(0)
    expect(own.app.inFlight).toBe(0)
    await own.stop()
  })

  it('answers what outlasts the grace: what runs, what waits and what is still arriving', async () => {
    const own = await startTestService({ graceMs: 0 })
    const work = [slow(own), slow(own)]
    const arriving = raw(
      own.port,
      (socket) =>
        socket.write('POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc'),
      10_000,
    )
    await expect.poll(() => own.app.inFlight).toBe(3)
    expect(await own.stop()).toBe(true)
    for (const response of await Promise.all(work)) {
      expect([response.status, response.headers.get('connection')]).toEqual([503, 'close'])
      expect(await response.json()).toMatchObject({ error: { code: 'SHUTTING_DOWN' } })
    }
    expect((await arriving).text).toMatch(/^HTTP\/1.1 503/)
  })

  it('says that it is stopping for as long as accepted work runs', async () => {
    const own = await startTestService({ graceMs: 1_000 })
    const work = slow(own)
    await expect.poll(() => own.pool.stats.busy).toBe(1)
    const stopped = own.stop()
    const ready = await fetch(`${own.url}/readyz`)
    expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close'])
    const refused = await fetch(`${own.url}/v1/detect`, { method: 'POST', body: bus() })
    expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close'])
    expect((await work).status).toBe(503)
    await stopped
    await expect(fetch(`${own.url}/healthz`)).rejects.toThrow()
  })

  it('lets a thread finish its run, and says so when it does not within the bound', async () => {
    const own = await startTestService({ graceMs: 0, pool: { ...onePool(), leaveMs: 0 } })
    const work = slow(own)
    await expect.poll(() => own.pool.stats.busy).toBe(1)
    expect(await own.stop()).toBe(false)
    expect((await work).status).toBe(503)
    await expect.poll(() => own.pool.stats.workers, { timeout: 20_000 }).toBe(0)
  })

  it('replaces a thread that hangs without ending it in its run', async () => {
    const own = await startTestService({ pool: { ...onePool(), hangMs: 700 } })
    const answer = await slow(own)
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
      504,
      'TIMEOUT',
    ])
    await expect.poll(() => own.pool.stats.workers, { timeout: 20_000 }).toBe(1)
    // A thread that is new may take longer than that for its first picture on a busy machine, and is replaced again.
    await expect
      .poll(async () => (await fetch(`${own.url}/v1/detect`, { method: 'POST', body: bus() })).status, {
        timeout: 30_000,
      })
      .toBe(200)
    expect(await own.stop()).toBe(true)
  })

  it('refuses to be open to others without a key, and asks for it with one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-serve-'))
    const keyFile = join(folder, 'keys.json')
    await expect(startTestService({ host: '0.0.0.0', keyFile })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(startTestService({ requireKeys: true, keyFile })).rejects.toMatchObject({ code: 'USAGE' })
    const { stored, key } = await createBearerKey('test', new Date())
    await changeKeys(keyFile, () => [stored])
    const open = await startTestService({ host: '0.0.0.0', keyFile })
    const at = `http://127.0.0.1:${open.port}/v1/detect`
    expect((await fetch(at, { method: 'POST', body: bus() })).status).toBe(401)
    const headers = { authorization: `Bearer ${key}` }
    expect((await fetch(at, { method: 'POST', body: bus(), headers })).status).toBe(200)
    await open.stop()
    await rm(folder, { recursive: true })
  })

  it('says which port is taken', async () => {
    await expect(startTestService({ port: service.port })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('does not fetch private addresses for a caller', async () => {
    for (const url of [
      `${service.url}/healthz`,
      'https://127.0.0.1/x',
      'https://localhost/x',
      'file:///etc/passwd',
    ]) {
      const response = await detect({
        body: JSON.stringify({ url }),
        headers: { 'content-type': 'application/json' },
      })
      expect([
        url,
        response.status,
        ((await response.json()) as { error: { code: string } }).error.code,
      ]).toEqual([url, 400, 'URL_REFUSED'])
    }
  })

  it('fetches an address where it is told that callers may be trusted', async () => {
    const pictures = createServer((_request, response) => response.end(streetBytes)).listen(0, '127.0.0.1')
    await once(pictures, 'listening')
    const { port } = pictures.address() as AddressInfo
    const open = await startTestService({ urls: 'any' })
    const response = await fetch(`${open.url}/v1/detect`, {
      method: 'POST',
      body: JSON.stringify({ url: `http://127.0.0.1:${port}/street.jpg` }),
      headers: { 'content-type': 'application/json' },
    })
    expect(response.status).toBe(200)
    await open.stop()
    pictures.close()
  })
})
