import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type App, createApp } from '../../src/api/app.ts'
import { createBearerKey } from '../../src/api/auth/create-key.ts'
import { keyAuthenticator } from '../../src/api/auth/key-authenticator.ts'
import type { BearerKey } from '../../src/api/auth/key-store.ts'
import type { JobOffer } from '../../src/api/jobs/offer.ts'
import type { AppOptions } from '../../src/api/options.ts'
import type { JobHome } from '../../src/jobs/home.ts'
import type { JobView } from '../../src/jobs/view.ts'
import { ContentBlobs } from '../../src/local/content-blobs.ts'
import { FileBlobStore } from '../../src/local/file-blob-store.ts'
import { openHome } from '../../src/local/home.ts'
import { openPostgresHome } from '../../src/postgres/home.ts'
import { startJobs } from '../../src/server/jobs.ts'
import { singleDetector } from '../support/app.ts'
import { type JobsPlace, jobsPlace, jpeg } from '../support/jobs.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'

interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, each compared as a whole
  body: any
}

/** Callers do not see where jobs are kept. */
const homes = ['a folder', ...(postgresPrograms === undefined ? [] : ['PostgreSQL'])]

describe.each(homes)('jobs over HTTP, kept in %s', (kind) => {
  let cluster: Cluster | undefined
  const openAt = (name: string): Promise<JobHome> =>
    cluster === undefined
      ? openHome(join(place.folder, name))
      : openPostgresHome(`${cluster.address}?schema=${name.replace('-', '_')}`, {
          blobs: join(place.folder, name),
          openBlobs: (where) => new ContentBlobs(where),
        })
  let place: JobsPlace
  let app: App
  let offer: JobOffer
  let stop: () => Promise<void>
  const appWith = (options: Partial<AppOptions>, jobs: AppOptions['jobs']): App =>
    createApp({
      detectors: singleDetector(place.detector, undefined, 'dogs'),
      ...(jobs && { jobs }),
      ...options,
    })
  const sendTo = async (to: App, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await to.fetch(new Request(`http://127.0.0.1${path}`, init))
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  const send = (path: string, init?: RequestInit) => sendTo(app, path, init)
  const post = (body: string | Buffer, headers: Record<string, string> = {}, query = '') =>
    send(`/v1/jobs${query}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers,
    })
  const json = (body: unknown, headers: Record<string, string> = {}) =>
    post(JSON.stringify(body), { 'content-type': 'application/json', ...headers })
  /** Long polls until it has ended. */
  const done = async (id: string): Promise<JobView & { summary: { labels: unknown[] } }> => {
    for (;;) {
      const { body } = await send(`/v1/jobs/${id}?wait=20`)
      if (body.finishedAt !== undefined) {
        return body
      }
    }
  }

  beforeAll(async () => {
    place = await jobsPlace()
    cluster = kind === 'PostgreSQL' ? await startCluster() : undefined
    const blobs = join(place.folder, 'blobs')
    await mkdir(join(blobs, 'photos', 'set'), { recursive: true })
    for (const [index, name] of ['a.jpg', 'set/b.jpg', 'set/c.jpg'].entries()) {
      await writeFile(join(blobs, 'photos', name), await jpeg(index))
    }
    await writeFile(join(blobs, 'photos', 'set', 'notes.txt'), 'no picture')
    await writeFile(
      join(blobs, 'photos', 'list.csv'),
      'name,source-ref\n"first, quoted",s3://photos/a.jpg\nmissing,s3://photos/none.jpg\n',
    )
    const blobStore = new FileBlobStore(blobs)
    const jobs = await startJobs({
      open: () => openAt('http-store'),
      detectors: { defaultName: 'dogs', get: async () => place.detector },
      concurrency: 1,
      blobStore,
      urls: 'https',
      maxBytes: 2 ** 20,
      fetchMs: 1000,
      onNotice: () => {},
    })
    stop = () => jobs.stop(5000)
    offer = jobs.offer
    app = appWith({ blobStore }, offer)
  }, 60_000)
  afterAll(async () => {
    await app.drain()
    await stop()
    cluster?.remove()
    await place[Symbol.asyncDispose]()
  })

  it('accepts a picture, answers where to ask, and gives the result with its model', async () => {
    const accepted = await post(await jpeg(), { 'content-type': 'image/jpeg' }, '?minScore=0.5&batch=first')
    expect(accepted.status).toBe(202)
    expect(accepted.headers.get('location')).toBe(`/v1/jobs/${accepted.body.id}`)
    expect(accepted.headers.get('retry-after')).toBe('1')
    expect(accepted.body).toMatchObject({
      state: 'queued',
      batch: 'first',
      detect: { minScore: 0.5 },
      counts: { total: 1 },
    })
    const job = await done(accepted.body.id)
    expect(job).toMatchObject({
      state: 'succeeded',
      summary: { labels: [{ label: 'dog', pictures: 1, objects: 2 }] },
    })
    const { body } = await send(`/v1/jobs/${job.id}/pictures`)
    expect(body.pictures).toMatchObject([
      {
        n: 0,
        name: 'body',
        state: 'succeeded',
        result: { width: 64, height: 64, altText: 'A picture of two dogs.' },
      },
    ])
    expect(body.pictures[0].result.timings.run).toBeGreaterThan(0)
    expect(body.models[body.pictures[0].model]).toMatchObject({
      sha256: place.detector.model.sha256,
      contract: { family: 'yolov5' },
    })
  })

  it('takes all forms that detection takes, and lists as bodies and by address', async () => {
    const form = new FormData()
    form.set('image', new Blob([new Uint8Array(await jpeg(5))]), 'form.jpg')
    form.set('annotate', 'png')
    const base64 = (await jpeg(6)).toString('base64')
    const answers = [
      await send('/v1/jobs', { method: 'POST', body: form }),
      await json({ image: base64 }),
      await json({ images: [base64, { s3: 's3://photos/a.jpg' }] }),
      await json({ manifest: 's3://photos/list.csv' }),
      await json({ prefix: 's3://photos/set/' }),
      await post('{"source-ref": "s3://photos/a.jpg"}\nnonsense\n', { 'content-type': 'application/jsonl' }),
      await post('s3://photos/a.jpg\ns3://photos/set/b.jpg\n', { 'content-type': 'text/csv' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
    const jobs = await Promise.all(answers.map(({ body }) => done(body.id)))
    expect(jobs.map(({ counts: { succeeded, failed } }) => [succeeded, failed])).toEqual([
      [1, 0],
      [1, 0],
      [2, 0],
      [1, 1],
      [2, 0],
      [1, 1],
      [2, 0],
    ])
    const drawn = await send(`/v1/jobs/${jobs[0]!.id}/pictures/0/annotated`)
    expect([drawn.status, drawn.headers.get('content-type')]).toEqual([200, 'image/png'])
    const csv = await send(`/v1/jobs/${jobs[3]!.id}/pictures`)
    expect(csv.body.pictures.map(({ name, line }: { name: string; line: number }) => [name, line])).toEqual([
      ['first, quoted', 2],
      ['missing', 3],
    ])
    const failures = await send(`/v1/jobs/${jobs[5]!.id}/pictures?state=failed`)
    expect(failures.body.pictures).toMatchObject([{ line: 2, error: { code: 'MANIFEST_INVALID' } }])
  })

  it('takes long lists, and goes on after a line that is all brackets', async () => {
    const line = `{"source-ref": "s3://photos/none.jpg", "note": "${'x'.repeat(800)}"}\n`
    const lists = [`${'['.repeat(60_000)}\n${line}`, line.repeat(45_000)]
    const answers = await Promise.all(
      lists.map((list) => post(list, { 'content-type': 'application/jsonl' })),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    expect((await done(answers[0]!.body.id)).counts.total).toBe(2)
    expect((await send(`/v1/jobs/${answers[1]!.body.id}/cancel`, { method: 'POST' })).status).toBe(200)
    const refused = await post(`{"images": [${'1,'.repeat(20_000)}1]}`, {
      'content-type': 'application/json',
    })
    expect(refused.status).toBe(400)
  })

  it('gives the same job for the same key and parameters, and refuses others', async () => {
    const headers = { 'idempotency-key': 'abc', 'content-type': 'image/jpeg' }
    const picture = await jpeg(7)
    const first = await post(picture, headers)
    const again = await post(picture, headers)
    expect([again.status, again.body.id]).toEqual([200, first.body.id])
    const other = await post(await jpeg(8), headers)
    expect([other.status, other.body.error.code]).toEqual([422, 'JOB_CONFLICT'])
  })

  it('answers 304 while nothing changes, and waits for a change where it is asked to', async () => {
    const { body } = await post(await jpeg(9), { 'content-type': 'image/jpeg' })
    await done(body.id)
    const shown = await send(`/v1/jobs/${body.id}`)
    const etag = shown.headers.get('etag')!
    const same = await send(`/v1/jobs/${body.id}?wait=5`, { headers: { 'if-none-match': etag } })
    expect([same.status, same.body]).toEqual([304, ''])
  })

  it('streams progress until the end', async () => {
    const { body } = await json({ prefix: 's3://photos/' })
    const response = await app.fetch(new Request(`http://127.0.0.1/v1/jobs/${body.id}/events`))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const text = await response.text()
    const kinds = [...text.matchAll(/^event: (\w+)$/gm)].map(([, kind]) => kind)
    expect(kinds.filter((kind) => kind === 'picture')).toHaveLength(3)
    expect(kinds.at(-1)).toBe('end')
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id!)
    const resumed = await app.fetch(
      new Request(`http://127.0.0.1/v1/jobs/${body.id}/events`, { headers: { 'last-event-id': ids[1]! } }),
    )
    expect([...(await resumed.text()).matchAll(/^event: picture$/gm)]).toHaveLength(1)
  })

  it('reads for streams as their clients read, once for all of them, and bounds them for each caller', async () => {
    const { body } = await post('s3://photos/a.jpg\n', { 'content-type': 'text/csv' })
    await done(body.id)
    const open = () => app.fetch(new Request(`http://127.0.0.1/v1/jobs/${body.id}/events`))
    const reads = vi.spyOn(offer.bus, 'read')
    const streams = await Promise.all(Array.from({ length: 64 }, open))
    expect(reads).not.toHaveBeenCalled()
    expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200))
    expect((await open()).status).toBe(429)
    expect((await send(`/v1/jobs/${body.id}?wait=1`)).status).toBe(429)
    expect((await send(`/v1/jobs/${body.id}`)).status).toBe(200)
    await streams.pop()!.body!.cancel()
    for (const text of await Promise.all(streams.map((stream) => stream.text()))) {
      expect(text).toContain('event: end')
    }
    expect(reads.mock.calls.length).toBeLessThan(8)
    reads.mockRestore()
    expect((await send(`/v1/jobs/${body.id}?wait=1`)).status).toBe(200)
  })

  it('lists with filters and pages, and searches', async () => {
    const ids = []
    for (let i = 0; i < 3; i++) {
      const { body } = await post(await jpeg(20 + i), { 'content-type': 'image/jpeg' }, '?batch=pages')
      await done(body.id)
      ids.unshift(body.id)
    }
    const first = await send('/v1/jobs?batch=pages&limit=2')
    const second = await send(`/v1/jobs?batch=pages&limit=2&cursor=${first.body.cursor}`)
    const listed = [...first.body.jobs, ...second.body.jobs].map(({ id }: JobView) => id)
    expect(listed).toEqual(ids)
    expect((await send('/v1/jobs?state=queued,running')).body.jobs).toEqual([])
    const found = await send('/v1/search?label=dog&minScore=0.6&count=%3E%3D2&without=knife&limit=2')
    expect(found.body.pictures).toHaveLength(2)
    expect(found.body.pictures[0]).toMatchObject({ job: ids[0], result: { altText: expect.any(String) } })
    const next = await send(
      `/v1/search?label=dog&minScore=0.6&count=%3E%3D2&without=knife&limit=2&cursor=${found.body.cursor}`,
    )
    expect(next.body.pictures[0].job).toBe(ids[2])
    expect((await send('/v1/search?label=cat&minScore=0.6')).body.pictures).toEqual([])
  })

  it('takes no cursor or number that it did not give, and answers for every other one', async () => {
    const { body } = await post(await jpeg(7), { 'content-type': 'image/jpeg' })
    await done(body.id)
    const forged = ["' OR 1=1 --", '../..', '9'.repeat(40), '-1', 'NaN', '%00', `${body.id}x`, '1.1.1']
    for (const cursor of forged) {
      for (const path of ['/v1/jobs', `/v1/jobs/${body.id}/pictures`, '/v1/search']) {
        const { status } = await send(`${path}?cursor=${encodeURIComponent(cursor)}`)
        expect([path, cursor, status]).toEqual([path, cursor, 400])
      }
      expect((await send(`/v1/jobs/${encodeURIComponent(cursor)}`)).status).toBe(404)
      expect((await send(`/v1/jobs/${body.id}/pictures/${encodeURIComponent(cursor)}`)).status).toBe(404)
    }
    for (const path of [
      '/v1/search?cursor=999999999999999.999999999999999',
      '/v1/search?label=%00&minScore=0',
      '/v1/search?since=0001-01-01&until=9999-12-31',
      `/v1/jobs/${body.id}/pictures?cursor=999999999`,
      `/v1/jobs?cursor=${'z'.repeat(26)}`,
      '/v1/jobs?batch=%00',
    ]) {
      expect([path, (await send(path)).status]).toEqual([path, 200])
    }
    const events = await send(`/v1/jobs/${body.id}/events`, { headers: { 'last-event-id': '9'.repeat(20) } })
    expect(events.body).toContain('event: end')
  })

  it('reads no file that a key of a list or a request leads to', async () => {
    await writeFile(join(place.folder, 'secret.jpg'), await jpeg(3))
    const lines = [
      's3://photos/../../secret.jpg',
      's3://../secret.jpg',
      's3://boxlet-jobs/aa/b',
      '/etc/passwd',
    ]
    const listed = await post(lines.map((line) => JSON.stringify({ 'source-ref': line })).join('\n'), {
      'content-type': 'application/jsonl',
    })
    expect(await done(listed.body.id)).toMatchObject({ state: 'failed', counts: { total: 4, failed: 4 } })
    const named = await json({ images: [{ s3: 's3://photos/../../secret.jpg' }] })
    if (named.status === 202) {
      expect(await done(named.body.id)).toMatchObject({ state: 'failed' })
    } else {
      expect(named.status).toBe(400)
    }
  })

  it('cancels, and tries again', async () => {
    const lines = Array.from({ length: 500 }, () => 's3://photos/a.jpg').join('\n')
    const { body } = await post(lines, { 'content-type': 'text/csv' })
    const cancelled = await send(`/v1/jobs/${body.id}`, { method: 'DELETE' })
    expect([cancelled.status, cancelled.body.state]).toEqual([200, 'cancelled'])
    expect((await send(`/v1/jobs/${body.id}/cancel`, { method: 'POST' })).status).toBe(409)
    const retried = await send(`/v1/jobs/${body.id}/retry`, { method: 'POST' })
    expect(retried.status).toBe(202)
    expect(await done(body.id)).toMatchObject({ state: 'succeeded', counts: { total: 500, succeeded: 500 } })
    expect((await send('/v1/jobs/redrive', { method: 'POST' })).body).toEqual({ pictures: 0, webhooks: 0 })
  })

  it.each([
    ['/v1/jobs?state=done', 'GET', 400],
    ['/v1/jobs?stat=queued', 'GET', 400],
    ['/v1/jobs?limit=0', 'GET', 400],
    ['/v1/jobs?cursor=1%27%20OR', 'GET', 400],
    ['/v1/jobs?since=yesterday', 'GET', 400],
    ['/v1/jobs/01abc', 'GET', 404],
    ['/v1/jobs/01abc', 'PUT', 405],
    ['/v1/jobs/01abc/events', 'GET', 404],
    ['/v1/search?label=dog&minScore=2', 'GET', 400],
    ['/v1/search?label=dog&count=many', 'GET', 400],
    ['/v1/search?count=2', 'GET', 400],
    ['/v1/search?lable=dog', 'GET', 400],
    ['/v1/search?label=dog&cursor=x', 'GET', 400],
    ['/v1/search?verdict=maybe', 'GET', 400],
  ])('refuses %s by %s with %i', async (path, method, status) => {
    expect((await send(path, { method })).status).toBe(status)
  })

  it.each([
    [{ url: 'https://x.org/a.jpg', webhook: 'http://x.org/hook' }, 'URL_REFUSED'],
    [{ url: 'https://x.org/a.jpg', webhook: 'https://169.254.169.254/' }, 'URL_REFUSED'],
    [{ url: 'https://x.org/a.jpg', webhook: { url: 'https://x.org', secret: 'short' } }, 'REQUEST_INVALID'],
    [{ url: 'https://x.org/a.jpg', ttl: 0 }, 'REQUEST_INVALID'],
    [{ url: 'https://x.org/a.jpg', annotate: 'gif' }, 'REQUEST_INVALID'],
    [{ url: 'https://x.org/a.jpg', model: 'none' }, 'MODEL_NOT_FOUND'],
    [{ url: 'https://x.org/a.jpg', minscore: 0.5 }, 'REQUEST_INVALID'],
    [{ url: 'https://x.org/a.jpg', manifest: 's3://photos/list.csv' }, 'REQUEST_INVALID'],
    [{ manifest: 's3://photos/none.csv' }, 'IMAGE_NOT_FOUND'],
    [{ prefix: 's3://photos/nothing/' }, 'IMAGE_NOT_FOUND'],
    [{ prefix: 's3://boxlet-jobs/' }, 'IMAGE_NOT_FOUND'],
    [{}, 'REQUEST_INVALID'],
  ])('refuses %j with %s', async (body, code) => {
    const answer = await json(body)
    expect(answer.body.error?.code).toBe(code)
  })

  it('takes the secret of a webhook in a form, and says where webhooks may go', async () => {
    const form = new FormData()
    form.set('image', new Blob([new Uint8Array(await jpeg(42))]), 'form.jpg')
    form.set('webhook', JSON.stringify({ url: 'https://shop.example/hook', secret: 'x'.repeat(16) }))
    const { status, body } = await send('/v1/jobs', { method: 'POST', body: form })
    expect([status, body.webhook]).toEqual([202, { url: 'https://shop.example/hook' }])
    const kept = await offer.service.get('local', body.id)
    expect(kept.options.webhook?.secret).toBe('x'.repeat(16))
    await offer.service.cancel('local', body.id).catch(() => {})
    const refused = await json({ url: 'https://x.org/a.jpg', webhook: 'http://shop.example/hook' })
    expect([refused.status, refused.body.error.hint]).toEqual([
      400,
      expect.stringContaining('Webhooks go to'),
    ])
  })

  it('shows no job whose time is over', async () => {
    const { body } = await post(await jpeg(43), { 'content-type': 'image/jpeg' }, '?ttl=1&batch=short')
    await sleep(1_000)
    expect((await send(`/v1/jobs/${body.id}`)).status).toBe(404)
    expect((await send('/v1/jobs?batch=short')).body.jobs).toEqual([])
  })

  it('keeps nothing of a request that it refuses', async () => {
    const keep = vi.spyOn(offer, 'keep')
    const picture = await jpeg(41)
    const type = { 'content-type': 'image/jpeg' }
    expect((await post(picture, type, '?model=none')).status).toBe(404)
    expect((await post(picture, type, '?webhook=ftp://x')).status).toBe(400)
    expect((await post('s3://photos/a.jpg', { 'content-type': 'text/csv' }, '?model=none')).status).toBe(404)
    expect(keep).not.toHaveBeenCalled()
    keep.mockRestore()
  })

  it('does not let a caller read what others sent, though the hash of it is known', async () => {
    const bytes = await jpeg(40)
    const { body } = await post(bytes, { 'content-type': 'image/jpeg' })
    await done(body.id)
    const { createHash } = await import('node:crypto')
    const sha = createHash('sha256').update(bytes).digest('hex')
    const stolen = await json({ s3: { bucket: 'boxlet-jobs', key: `${sha.slice(0, 2)}/${sha}` } })
    expect(await done(stolen.body.id)).toMatchObject({ state: 'failed' })
  })

  it('shows each key its own jobs only', async () => {
    const keys = {
      ann: await createBearerKey('ann', new Date()),
      bob: await createBearerKey('bob', new Date()),
    }
    const auth = keyAuthenticator({
      bearer: async (id) =>
        Object.values(keys).find(({ stored }) => stored.id === id)?.stored as BearerKey | undefined,
      access: async () => undefined,
    })
    const jobs = await startJobs({
      open: () => openAt('keys-store'),
      detectors: { defaultName: 'dogs', get: async () => place.detector },
      concurrency: 1,
      blobStore: undefined,
      urls: 'off',
      maxBytes: 2 ** 20,
      fetchMs: 1000,
      onNotice: () => {},
    })
    const keyed = appWith({ auth }, jobs.offer)
    const as = (who: keyof typeof keys, path: string, init: RequestInit = {}) =>
      sendTo(keyed, path, { ...init, headers: { ...init.headers, authorization: `Bearer ${keys[who].key}` } })
    const { body } = await as('ann', '/v1/jobs', {
      method: 'POST',
      body: new Uint8Array(await jpeg(50)),
      headers: { 'content-type': 'image/jpeg' },
    })
    expect((await as('ann', `/v1/jobs/${body.id}?wait=10`)).status).toBe(200)
    for (const path of ['', '/pictures', '/pictures/0', '/events']) {
      expect((await as('bob', `/v1/jobs/${body.id}${path}`)).status).toBe(404)
    }
    expect((await as('bob', `/v1/jobs/${body.id}`, { method: 'DELETE' })).status).toBe(404)
    expect((await as('bob', '/v1/jobs')).body.jobs).toEqual([])
    expect((await as('bob', '/v1/search?label=dog')).body.pictures).toEqual([])
    expect((await sendTo(keyed, '/v1/jobs')).status).toBe(401)
    await jobs.stop(1000)
  })
})
