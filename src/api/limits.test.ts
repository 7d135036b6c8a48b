import { describe, expect, it } from 'vitest'
import { singleDetector, testApp } from '../../test/support/app.ts'
import type { DetectorLike, DetectResult } from '../detector/types.ts'

const RESULT: DetectResult = {
  image: { width: 100, height: 100 },
  detections: [],
  timings: { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 },
}

/** A detector that answers when the test says so: what is tested is the application around it. */
function heldDetector() {
  const waiting: (() => void)[] = []
  const detector = {
    model: {
      name: 'x',
      family: 'x',
      sha256: '',
      licence: null,
      contract: { thresholds: { score: 0 } },
      evidence: [],
    },
    detect: () => new Promise<DetectResult>((resolve) => waiting.push(() => resolve(RESULT))),
  } as unknown as DetectorLike
  const release = () => {
    for (const go of waiting.splice(0)) {
      go()
    }
  }
  return { detector, waiting, release }
}

const post = { method: 'POST', body: 'picture', headers: { 'content-length': '7' } }
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

describe('admission', () => {
  it('refuses what does not fit with 503 and Retry-After, and takes it when there is room again', async () => {
    const { detector, release } = heldDetector()
    const { app, send } = testApp(singleDetector(detector), { limits: { inFlight: 2 } })
    const accepted = [send('/v1/detect', post), send('/v1/detect', post)]
    await turn()
    const refused = await send('/v1/detect', post)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(app.inFlight).toBe(2)
    release()
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200])
    expect(app.inFlight).toBe(0)
    const later = send('/v1/detect', post)
    await turn()
    release()
    expect((await later).status).toBe(200)
  })

  it('refuses the share of one client with 429 while others are taken', async () => {
    const { detector, release } = heldDetector()
    const { app } = testApp(singleDetector(detector), { limits: { inFlight: 9, inFlightPerClient: 1 } })
    const from = (clientAddress: string) =>
      app.fetch(new Request('http://127.0.0.1/v1/detect', post), { clientAddress })
    const [first, other] = [from('10.0.0.1'), from('10.0.0.2')]
    await turn()
    const refused = await from('10.0.0.1')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    release()
    expect([(await first).status, (await other).status]).toEqual([200, 200])
  })

  it('lets the caller that holds the most give way, and nobody take more than a share', async () => {
    const { detector, release } = heldDetector()
    const { app } = testApp(singleDetector(detector), { limits: { inFlight: 4 } })
    const from = (clientAddress: string) =>
      app.fetch(new Request('http://127.0.0.1/v1/detect', post), { clientAddress })
    const greedy = Array.from({ length: 4 }, () => from('10.0.0.1'))
    await turn()
    const others = [from('10.0.0.2'), from('10.0.0.3')]
    await turn()
    const last = from('10.0.0.4')
    await turn()
    // One each: nobody holds so much more than another that a place could go over.
    expect((await from('10.0.0.5')).status).toBe(503)
    expect((await from('10.0.0.1')).status).toBe(503)
    release()
    expect((await last).status).toBe(200)
    expect((await Promise.all(greedy)).map(({ status }) => status)).toEqual([200, 503, 503, 503])
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200])
    expect(app.usage).toEqual({ reading: 0, working: 0, bytes: 0, clients: 0 })
  })

  it('counts the bytes of all bodies together, declared or not', async () => {
    const { detector, release } = heldDetector()
    const { send } = testApp(singleDetector(detector), { limits: { inFlightBytes: 10 } })
    const first = send('/v1/detect', post)
    await turn()
    expect((await send('/v1/detect', post)).status).toBe(503)
    expect((await send('/v1/detect', { method: 'POST', body: 'undeclared' })).status).toBe(503)
    release()
    expect((await first).status).toBe(200)
  })

  it('lets others work while slow bodies are on their way', async () => {
    const { detector, release } = heldDetector()
    const { send, app } = testApp(singleDetector(detector), { limits: { inFlight: 1, inFlightBytes: 20 } })
    const feeds: ReadableStreamDefaultController[] = []
    const slow = Array.from({ length: 5 }, () =>
      send('/v1/detect', {
        method: 'POST',
        headers: { 'content-length': '1000' },
        body: new ReadableStream({ start: (feed) => void feeds.push(feed) }),
        duplex: 'half',
      } as RequestInit),
    )
    await turn()
    const quick = send('/v1/detect', post)
    await turn()
    release()
    expect((await quick).status).toBe(200)
    for (const feed of feeds) {
      feed.close()
    }
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(Array(5).fill(400))
    expect(app.inFlight).toBe(0)
  })

  it('stays open for probes when it is full', async () => {
    const { detector, release } = heldDetector()
    const { send } = testApp(singleDetector(detector), { limits: { inFlight: 1 } })
    const first = send('/v1/detect', post)
    await turn()
    expect((await send('/healthz')).status).toBe(200)
    release()
    await first
  })

  it('takes no new work once it drains, and finishes what it has', async () => {
    const { detector, release } = heldDetector()
    const { app, send } = testApp(singleDetector(detector))
    const accepted = send('/v1/detect', post)
    await turn()
    const drained = app.drain()
    expect((await send('/v1/detect', post)).status).toBe(503)
    release()
    await drained
    expect((await accepted).status).toBe(200)
  })
})

describe('bodies and deadlines', () => {
  it('refuses a body by its declared length without reading it', async () => {
    let pulled = false
    const body = new ReadableStream(
      {
        pull: () => {
          pulled = true
        },
      },
      { highWaterMark: 0 },
    )
    const { send } = testApp(singleDetector(heldDetector().detector), { limits: { bodyBytes: 100 } })
    const response = await send('/v1/detect', {
      method: 'POST',
      body,
      headers: { 'content-length': '101' },
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(pulled).toBe(false)
  })

  it('stops reading an endless body at the limit', async () => {
    let sent = 0
    const body = new ReadableStream({
      pull: (controller) => {
        sent += 1000
        controller.enqueue(new Uint8Array(1000))
      },
    })
    const { send } = testApp(singleDetector(heldDetector().detector), { limits: { bodyBytes: 5000 } })
    const response = await send('/v1/detect', { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(10_000)
  })

  it.each(['-1', '1e9', 'x', '9'.repeat(30)])('refuses the length %s', async (length) => {
    const { send } = testApp(singleDetector(heldDetector().detector))
    const response = await send('/v1/detect', { method: 'POST', headers: { 'content-length': length } })
    expect([400, 413]).toContain(response.status)
  })

  it('answers 504 at the deadline and keeps the place until the work has ended', async () => {
    const { detector, release } = heldDetector()
    const { app, send } = testApp(singleDetector(detector), { limits: { deadlineMs: 20 } })
    const response = await send('/v1/detect', post)
    expect(response.status).toBe(504)
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe('TIMEOUT')
    expect(app.inFlight).toBe(1)
    release()
    await turn()
    expect(app.inFlight).toBe(0)
  })

  it('records a caller that went away', async () => {
    const { detector, release } = heldDetector()
    const { app, records } = testApp(singleDetector(detector))
    const caller = new AbortController()
    const pending = app.fetch(new Request('http://127.0.0.1/v1/detect', { ...post, signal: caller.signal }))
    await turn()
    caller.abort()
    await pending
    expect(records).toMatchObject([{ status: 499, error: 'ABORTED' }])
    release()
  })
})

describe('what an answer never holds', () => {
  it('hides the cause of a fault from the client and gives it to the log', async () => {
    const detector = {
      model: {},
      detect: async () => {
        throw new Error('secret at /home/someone/file.ts')
      },
    } as unknown as DetectorLike
    const { send, records } = testApp(singleDetector(detector))
    const response = await send('/v1/detect', post)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toMatch(/secret|home|stack|\.ts/)
    expect(String(records[0]?.cause)).toContain('secret')
  })
})

describe('browsers', () => {
  const stub = singleDetector(heldDetector().detector)
  const health = (headers: Record<string, string>, options = {}) =>
    testApp(stub, { hosts: ['localhost', '127.0.0.1'], ...options }).send('/v1/models', { headers })

  it('answers pages of its own and callers that are no pages', async () => {
    expect((await health({})).status).not.toBe(403)
    expect((await health({ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' })).status).not.toBe(403)
  })

  it.each([
    { host: 'rebind.example' },
    { host: '127.0.0.1.evil.example:80' },
    { host: 'localhost', origin: 'https://evil.example' },
    { host: 'localhost', origin: 'null' },
    { host: 'localhost:8080', origin: 'http://localhost:9999' },
  ])('refuses %j on an open loopback service', async (headers) => {
    expect((await health(headers as unknown as Record<string, string>)).status).toBe(403)
  })

  it('sends no CORS headers unless an origin is configured', async () => {
    const plain = await testApp(stub).send('/healthz', { headers: { origin: 'https://a.example' } })
    expect(plain.headers.get('access-control-allow-origin')).toBeNull()
    const { send } = testApp(stub, { corsOrigins: ['https://a.example'] })
    const allowed = await send('/v1/detect', {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
    const other = await send('/healthz', { headers: { origin: 'https://b.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})
