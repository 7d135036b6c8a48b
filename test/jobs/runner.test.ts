import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PictureSource } from '../../src/jobs/job.ts'
import type { Submission } from '../../src/jobs/service.ts'
import { ended, type JobsPlace, jobsPlace, jpeg } from '../support/jobs.ts'

describe('a worker on a store', () => {
  let place: JobsPlace
  beforeEach(async () => {
    place = await jobsPlace()
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const kept = async (bytes: Uint8Array): Promise<PictureSource> => ({
    kind: 'blob',
    ref: await place.home.blobs.keep(bytes),
    owned: true,
  })
  const submission = (source: PictureSource, parts: Partial<Submission> = {}): Submission => ({
    options: {},
    pictures: [{ name: 'a.jpg', source }],
    ...parts,
  })

  it('detects in what was sent and keeps the result with its model', async () => {
    const { service } = place.work()
    const { job } = await service.submit('local', submission(await kept(await jpeg())))
    expect(await ended(place.home, job.id)).toMatchObject({ state: 'succeeded' })
    const picture = await place.home.store.picture({ tenant: 'local', job: job.id, n: 0 })
    expect(picture!.found!.image.detections.map(({ label }) => label)).toEqual(['dog', 'dog', 'cat'])
    expect(picture!.found!.altText).toBe('A picture of two dogs and a cat.')
    expect(await place.home.store.model(picture!.found!.model)).toMatchObject({
      model: { sha256: place.detector.model.sha256 },
      contract: { family: 'yolov5' },
    })
    expect(await place.home.pictures.size()).toEqual({ ready: 0, waiting: 0, dead: 0 })
  })

  it('goes on after files that vanished, are no pictures, are folders, or are links where none may be', async () => {
    const path = (name: string) => join(place.folder, name)
    await writeFile(path('good.jpg'), await jpeg())
    await writeFile(path('gone.jpg'), await jpeg())
    await writeFile(path('text.jpg'), 'no picture')
    await mkdir(path('folder.jpg'))
    await symlink(path('good.jpg'), path('link.jpg'))
    const names = ['gone.jpg', 'text.jpg', 'folder.jpg', 'link.jpg', 'good.jpg']
    const { service } = place.work()
    await rm(path('gone.jpg'))
    const { job } = await service.submit('local', {
      options: {},
      pictures: names.map((name) => ({
        name,
        source: { kind: 'file', path: path(name), ...(name === 'link.jpg' && { noLinks: true }) },
      })),
    })
    expect(await ended(place.home, job.id)).toMatchObject({
      state: 'succeeded',
      counts: { succeeded: 1, failed: 4 },
    })
    const { items } = await place.home.store.pictures('local', job.id, { states: ['failed'], limit: 10 })
    expect(items.map(({ error }) => error!.code)).toEqual([
      'IMAGE_NOT_FOUND',
      'IMAGE_FORMAT',
      'IMAGE_NOT_FOUND',
      'IMAGE_NOT_FOUND',
    ])
  })

  it('keeps the same picture under two names once, with a result for each', async () => {
    const { service } = place.work()
    const [one, two] = [await kept(await jpeg(1)), await kept(await jpeg(1))]
    expect(one).toEqual(two)
    const { job } = await service.submit('local', {
      options: {},
      pictures: [
        { name: 'a.jpg', source: one },
        { name: 'b.jpg', source: two },
      ],
    })
    await ended(place.home, job.id)
    const { items } = await place.home.store.pictures('local', job.id, { limit: 10 })
    expect(items.map(({ name, state }) => [name, state])).toEqual([
      ['a.jpg', 'succeeded'],
      ['b.jpg', 'succeeded'],
    ])
  })

  it('reads a manifest and tells of lines that it cannot read', async () => {
    await writeFile(join(place.folder, 'a.jpg'), await jpeg())
    const lines = [
      '{"source-ref": "a.jpg"}',
      '{no JSON',
      '',
      '{"other": 1}',
      '{"source-ref": "gopher://x"}',
      '{"source-ref": "a.jpg", "name": "again"}',
    ]
    const { ref } = (await kept(Buffer.from(lines.join('\r\n')))) as { ref: { bucket: string; key: string } }
    const { service } = place.work()
    const { job } = await service.submit('local', {
      options: {},
      pictures: [],
      manifest: { ...ref, format: 'jsonl', base: place.folder },
    })
    expect(await ended(place.home, job.id)).toMatchObject({
      counts: { total: 5, succeeded: 2, failed: 3 },
      complete: true,
    })
    const { items } = await place.home.store.pictures('local', job.id, { states: ['failed'], limit: 10 })
    expect(items.map(({ line, error }) => [line, error!.code])).toEqual([
      [2, 'MANIFEST_INVALID'],
      [4, 'MANIFEST_INVALID'],
      [5, 'MANIFEST_INVALID'],
    ])
    const totals = await place.home.store.totals('local', job.id)
    expect(totals[0]).toEqual({ label: 'dog', pictures: 2, objects: 4 })
  })

  it('fails a job whose list names no picture', async () => {
    const { service } = place.work()
    for (const [text, format] of [
      ['\n \r\n\n', 'jsonl'],
      ['name,source-ref\n', 'csv'],
    ] as const) {
      const { ref } = (await kept(Buffer.from(text))) as { ref: { bucket: string; key: string } }
      const { job } = await service.submit('local', {
        options: {},
        pictures: [],
        manifest: { ...ref, format },
      })
      expect(await ended(place.home, job.id)).toMatchObject({ state: 'failed', counts: { failed: 1 } })
    }
  })

  it('marks pictures by the policy, keeps those in doubt, and draws on request', async () => {
    const { service } = place.work({
      policy: { deny: [{ label: 'Dog', minScore: 0.6, minCount: 2 }], review: [] },
      uncertainBand: [0.35, 0.55],
    })
    const path = join(place.folder, 'a.jpg')
    await writeFile(path, await jpeg())
    const { job } = await service.submit(
      'local',
      submission({ kind: 'file', path }, { options: { annotate: 'png' } }),
    )
    await ended(place.home, job.id)
    const { found } = (await place.home.store.picture({ tenant: 'local', job: job.id, n: 0 }))!
    expect(found).toMatchObject({
      verdict: { verdict: 'deny', matches: [{ label: 'Dog', count: 2 }] },
      uncertain: true,
    })
    expect(Buffer.from(await place.home.blobs.get(found!.kept!))).toEqual(await readFile(path))
    const drawn = await place.home.blobs.get(found!.annotated!)
    expect(Buffer.from(drawn).subarray(1, 4).toString()).toBe('PNG')
    const events = await place.home.bus.read({ job: job.id, limit: 10 })
    expect(events.map(({ kind }) => kind)).toEqual(['picture.finished', 'picture.flagged', 'job.finished'])
    expect(
      (await place.home.store.search('local', { terms: [], verdict: 'deny', limit: 10 })).items,
    ).toHaveLength(1)
  })

  it('calls a webhook with a signature until it is taken', async () => {
    const calls: { headers: IncomingMessage['headers']; body: string }[] = []
    const server = createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) {
        parts.push(part as Buffer)
      }
      calls.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
      response.writeHead(calls.length === 1 ? 500 : 200).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const secret = `whsec_${Buffer.from('a key of at least 24 bytes').toString('base64')}`
    const { service } = place.work()
    const { job } = await service.submit(
      'local',
      submission(await kept(await jpeg()), { options: { webhook: { url, secret } } }),
    )
    await ended(place.home, job.id)
    await until(() => calls.length === 1)
    // The second try is a quarter of a minute away; it is brought forward.
    await until(() => {
      place.home.file.run("UPDATE messages SET visible = 0 WHERE queue = 'webhooks' AND lease IS NULL")
      return calls.length === 2
    })
    server.close()
    const [first, second] = calls
    expect(first!.headers['webhook-id']).toBe(second!.headers['webhook-id'])
    const {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    } = second!.headers
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${second!.body}`).digest('base64')
    expect(signature).toBe(`v1,${mac}`)
    expect(JSON.parse(second!.body)).toMatchObject({
      type: 'job.succeeded',
      data: { id: job.id, state: 'succeeded', webhook: { url } },
    })
    expect(second!.body).not.toContain('whsec')
    await until(async () => (await place.home.webhooks.size()).waiting === 0)
  })

  it('delivers webhooks of others while a receiver hangs, and tries each before it ends', async () => {
    const receiver = async (answers: boolean) => {
      const seen: string[] = []
      const server = createServer((request, response) => {
        seen.push(String(request.headers['webhook-id']))
        if (answers) {
          response.end()
        }
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { server, seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
    }
    const [silent, good] = [await receiver(false), await receiver(true)]
    const source = await kept(await jpeg())
    const worker = place.work()
    const submit = (tenant: string, url: string) =>
      worker.service.submit(tenant, submission(source, { options: { webhook: { url } } }))
    for (let n = 0; n < 30; n++) {
      await submit('ann', silent.url)
    }
    await until(() => silent.seen.length === 4)
    const jobs = [await submit('bob', good.url), await submit('ann', good.url)]
    await until(() => good.seen.length === 2)
    expect(silent.seen).toHaveLength(4)
    expect(new Set(good.seen.map((id) => id.split('.')[0]))).toEqual(new Set(jobs.map(({ job }) => job.id)))
    const { job } = await submit('bob', good.url)
    await ended(place.home, job.id, 'bob')
    silent.server.closeAllConnections()
    await worker.stop(5000)
    expect(good.seen).toHaveLength(3)
    for (const { server } of [silent, good]) {
      server.closeAllConnections()
      server.close()
    }
  })

  it('refuses webhooks into private networks unless they are allowed, and does not try again', async () => {
    const { service } = place.work({ urls: 'https' })
    const { job } = await service.submit(
      'local',
      submission(await kept(await jpeg()), { options: { webhook: { url: 'https://127.0.0.1/hook' } } }),
    )
    await ended(place.home, job.id)
    await until(async () => (await place.home.webhooks.size()).dead === 1)
    const { items } = await place.home.webhooks.deadLetters({ limit: 1 })
    expect(items[0]!.reason).toContain('URL_REFUSED')
    expect(await service.redrive('somebody')).toEqual({ pictures: 0, webhooks: 0 })
    expect(await service.redrive('local')).toEqual({ pictures: 0, webhooks: 1 })
    await until(async () => (await place.home.webhooks.size()).dead === 1)
  })

  it('tries again what may pass, and lays it among the dead letters in the end', async () => {
    const { service, runner } = place.work({ fetchMs: 300 })
    const { job } = await service.submit(
      'local',
      submission({ kind: 'url', url: 'http://127.0.0.1:9/nothing.jpg' }),
    )
    for (let i = 1; i < 5; i++) {
      await until(async () => (await place.home.store.picture(ref(job.id)))!.error !== undefined)
      await until(
        async () => (await place.home.store.picture(ref(job.id)))!.attempts === i && runner.busy === 0,
      )
      place.home.file.run("UPDATE messages SET visible = 0 WHERE queue = 'pictures'")
      runner.wake()
    }
    expect(await ended(place.home, job.id)).toMatchObject({ state: 'failed' })
    expect((await place.home.store.picture(ref(job.id)))!).toMatchObject({
      attempts: 5,
      error: { code: 'URL_FAILED' },
    })
    const { items } = await place.home.pictures.deadLetters({ limit: 10 })
    expect(items).toMatchObject([{ receives: 5 }])
    expect(await service.redrive('somebody')).toEqual({ pictures: 0, webhooks: 0 })
    expect(await service.redrive('local')).toEqual({ pictures: 1, webhooks: 0 })
    expect((await place.home.pictures.deadLetters({ limit: 10 })).items).toEqual([])
  })

  it('stops a cancelled job and tells its end once', async () => {
    const { service } = place.work()
    const pictures = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => ({ name: `${i}`, source: await kept(await jpeg(i)) })),
    )
    const { job } = await service.submit('local', { options: {}, pictures })
    await until(async () => (await place.home.store.get('local', job.id))!.counts.succeeded > 3)
    const { counts } = await service.cancel('local', job.id)
    expect(counts.succeeded + counts.cancelled).toBe(300)
    await expect(service.cancel('local', job.id)).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
    await until(async () => (await place.home.pictures.size()).ready === 0)
    await sleep(300)
    expect((await place.home.store.get('local', job.id))!.counts).toEqual(counts)
    const events = await place.home.bus.read({ job: job.id, limit: 1000 })
    expect(events.filter(({ kind }) => kind === 'job.finished')).toHaveLength(1)
    await service.retry('local', job.id)
    expect(await ended(place.home, job.id)).toMatchObject({ state: 'succeeded', counts: { succeeded: 300 } })
  })

  it('gives back what it does not finish within the grace, uncounted', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slow.jpg`
    const worker = place.work({ fetchMs: 60_000 })
    const { job } = await worker.service.submit('local', submission({ kind: 'url', url }))
    await until(async () => (await place.home.store.get('local', job.id))!.state === 'running')
    await worker.stop(50)
    expect(await place.home.store.picture(ref(job.id))).toMatchObject({ state: 'queued' })
    expect(await place.home.pictures.receive({ max: 1, leaseMs: 1000 })).toMatchObject([{ receives: 1 }])
    server.closeAllConnections()
    server.close()
  })

  it('gives several submissions of one moment one transaction, and each its own job', async () => {
    const { service } = place.work()
    const source = await kept(await jpeg())
    const submitted = await Promise.all(
      Array.from({ length: 20 }, () => service.submit('local', submission(source, { key: 'same' }))),
    )
    expect(new Set(submitted.map(({ job }) => job.id)).size).toBe(1)
    expect(submitted.filter(({ created }) => created)).toHaveLength(1)
    await expect(
      service.submit('local', submission(source, { key: 'same', batch: 'other' })),
    ).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
  })
})

const ref = (job: string) => ({ tenant: 'local', job, n: 0 })

async function until(is: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await is())) {
    if (Date.now() > end) {
      throw new Error('It did not come.')
    }
    await sleep(10)
  }
}
