import { mkdtempSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobHome } from '../../src/jobs/home.ts'
import type { PictureRef } from '../../src/jobs/job.ts'
import { moveJobs } from '../../src/jobs/move.ts'
import { JobService } from '../../src/jobs/service.ts'
import { ContentBlobs } from '../../src/local/content-blobs.ts'
import { openHome } from '../../src/local/home.ts'
import { openPostgresHome } from '../../src/postgres/home.ts'
import { finishOne } from '../support/finish.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-move-'))
let places = 0
const newFolder = (): Promise<JobHome> => openHome(join(folder, `store-${places++}`))

afterAll(() => rm(folder, { recursive: true }))

const move = (from: JobHome, to: JobHome, signal = new AbortController().signal) =>
  moveJobs({
    from,
    to,
    readFile: (path) => readFile(path).catch(() => undefined),
    getManifest: () => Promise.reject(new Error('not here')),
    signal,
  })

const found = (label: string) => ({
  state: 'succeeded' as const,
  found: {
    model: 'key',
    altText: `A picture of a ${label}.`,
    image: {
      source: 'a.jpg',
      width: 100,
      height: 80,
      timings: { decode: 1, prepare: 1, run: 1, boxes: 1, total: 4 },
      detections: [
        { label, classId: 0, score: 0.9, box: [0, 0, 10, 10] as [number, number, number, number] },
      ],
    },
    verdict: { verdict: 'deny' as const, matches: [] },
  },
})

/** A store with a job of each kind. */
async function filled(home: JobHome): Promise<Record<'half' | 'over' | 'listed' | 'watched', string>> {
  const service = new JobService(home.store, home.pictures)
  const path = join(folder, 'here.jpg')
  await writeFile(path, 'a file of this machine')
  const owned = async (text: string) =>
    ({ kind: 'blob', ref: await home.blobs.keep(Buffer.from(text)), owned: true }) as const
  const finish = async (ref: PictureRef, label: string) => {
    await home.store.start(ref)
    await finishOne(home.store, ref, found(label))
  }
  const half = await service.submit('ann', {
    options: { detect: { minScore: 0.5 } },
    batch: 'tray',
    key: 'order-17',
    pictures: [
      { name: 'a', source: await owned('a') },
      { name: 'b', source: await owned('b') },
      { name: 'c', source: home.seesFiles ? { kind: 'file', path } : await owned('c') },
    ],
  })
  await finish({ tenant: 'ann', job: half.job.id, n: 0 }, 'dog')
  const over = await service.submit('ann', {
    options: {},
    pictures: [{ name: 'x', source: await owned('x') }],
  })
  const gone = { tenant: 'ann', job: over.job.id, n: 0 }
  await home.store.start(gone)
  await finishOne(home.store, gone, { state: 'failed', error: { code: 'IMAGE_CORRUPT', message: 'damaged' } })
  await home.store.announced(await home.store.unannounced(10))
  const list = `${JSON.stringify('https://x.example/1.jpg')}\nbroken\n`
  const listed = await service.submit('bob', {
    options: {},
    pictures: [],
    manifest: { ...(await home.blobs.keep(Buffer.from(list))), format: 'jsonl' },
  })
  const watched = await service.submit('ann', {
    options: {},
    pictures: [
      { name: 'w', source: await owned('w'), arrival: { identity: 'bucket/w.jpg', sequencer: '0a' } },
    ],
  })
  await finish({ tenant: 'ann', job: watched.job.id, n: 0 }, 'cat')
  await home.store.saveModel('key', {
    model: { name: 'm', family: 'f', sha256: 's', licence: null },
    contract: {} as never,
  })
  await home.webhooks.send([{ body: '{"id":"1"}' }])
  return { half: half.job.id, over: over.job.id, listed: listed.job.id, watched: watched.job.id }
}

/** The other store is as the one was, and nobody can tell the difference. */
async function expectMoved(to: JobHome, ids: Awaited<ReturnType<typeof filled>>): Promise<void> {
  const service = new JobService(to.store, to.pictures)
  expect(await to.store.get('ann', ids.half)).toMatchObject({
    state: 'running',
    batch: 'tray',
    options: { detect: { minScore: 0.5 } },
    counts: { total: 3, succeeded: 1, failed: 0, cancelled: 0 },
  })
  expect(await to.store.get('ann', ids.over)).toMatchObject({
    state: 'failed',
    counts: { total: 1, failed: 1 },
  })
  expect(await to.store.get('bob', ids.listed)).toMatchObject({
    complete: true,
    counts: { total: 2, failed: 1 },
  })
  expect((await to.store.unsent(10)).map(({ ref }) => `${ref.job}/${ref.n}`).sort()).toEqual(
    [`${ids.half}/1`, `${ids.half}/2`, `${ids.listed}/0`].sort(),
  )
  const { items } = await to.store.pictures('ann', ids.half, { limit: 10 })
  const bytes = await Promise.all(
    items.map(async ({ source }) =>
      source.kind === 'blob' ? Buffer.from(await to.blobs.get(source.ref)).toString() : source.kind,
    ),
  )
  expect(bytes.slice(0, 2)).toEqual(['a', 'b'])
  expect(bytes[2]).toMatch(/^(?:c|file|a file of this machine)$/)
  const search = async (label: string) =>
    (await to.store.search('ann', { terms: [{ label, minScore: 0.5, least: 1 }], limit: 10 })).items
  expect((await search('dog')).map(({ job }) => job)).toEqual([ids.half])
  expect((await search('cat')).map(({ job }) => job)).toEqual([ids.watched])
  expect((await to.store.search('ann', { terms: [], verdict: 'deny', limit: 10 })).items).toHaveLength(2)
  expect(await to.store.totals('ann', ids.half)).toEqual([{ label: 'dog', pictures: 1, objects: 1 }])
  expect(await to.store.model('key')).toMatchObject({ model: { name: 'm' } })
  // The watched job had not been told of, the failed one had.
  expect((await to.store.unannounced(10)).map(({ id }) => id)).toEqual([ids.watched])
  const [again] = await to.store.accept([
    {
      tenant: 'ann',
      options: {},
      ttlMs: 1e6,
      pictures: [
        {
          name: 'w',
          source: { kind: 'url', url: 'https://x.example/w' },
          arrival: { identity: 'bucket/w.jpg', sequencer: '0a' },
        },
      ],
    },
  ])
  expect(again).toMatchObject({ outcome: 'same', job: { id: ids.watched } })
  const other = service.submit('ann', { options: {}, key: 'order-17', pictures: [] })
  await expect(other).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
  expect((await to.webhooks.receive({ max: 10, leaseMs: 1000 })).map(({ body }) => body)).toEqual([
    '{"id":"1"}',
  ])
}

function moves(name: string, from: () => Promise<JobHome>, to: () => Promise<JobHome>): void {
  describe(name, () => {
    it('keeps ids, results, keys and what is still to be done', async () => {
      const [old, next] = [await from(), await to()]
      const ids = await filled(old)
      expect(await move(old, next)).toMatchObject({ jobs: 4, known: 0, pictures: 7, webhooks: 1 })
      await expectMoved(next, ids)
      expect(await move(old, next)).toMatchObject({ jobs: 0, known: 4 })
      await Promise.all([old.close(), next.close()])
    })

    it('goes on where it broke off, and shows nothing half', async () => {
      const [old, next] = [await from(), await to()]
      const ids = await filled(old)
      const [first] = await old.transfer.jobs('', 1)
      await next.transfer.begin(first!)
      await next.transfer.add(first!, (await old.transfer.pictures(first!.job, -1, 2)).slice(0, 2))
      expect(await next.store.get('ann', ids.half)).toBeUndefined()
      expect(await next.store.unsent(10)).toEqual([])
      expect(await move(old, next)).toMatchObject({ jobs: 4, pictures: 7 })
      await expectMoved(next, ids)
      await Promise.all([old.close(), next.close()])
    })
  })
}

moves('from a folder to another', newFolder, newFolder)

describe.skipIf(postgresPrograms === undefined)('with PostgreSQL', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster.remove())
  const newSchema = (): Promise<JobHome> =>
    openPostgresHome(`${cluster.address}?schema=move_${places++}`, {
      blobs: join(folder, `blobs-${places}`),
      openBlobs: (where) => new ContentBlobs(where),
    })
  moves('from a folder to PostgreSQL', newFolder, newSchema)
  moves('from PostgreSQL to a folder', newSchema, newFolder)

  it('takes along files of this machine that are still to be read, and the names of watched ones', async () => {
    const [old, next] = [await newFolder(), await newSchema()]
    const { half } = await filled(old)
    const arrival = { identity: 'file:/inbox/a.jpg', sequencer: '01' }
    await old.transfer.addArrivals([{ tenant: 'local', ...arrival }])
    await move(old, next)
    expect((await next.store.picture({ tenant: 'ann', job: half, n: 2 }))!.source).toMatchObject({
      owned: true,
    })
    expect((await next.transfer.arrivals(undefined, 10)).map(({ identity }) => identity)).toContainEqual(
      expect.stringMatching(/^file:\/\/.+\/inbox\/a\.jpg$/),
    )
    await Promise.all([old.close(), next.close()])
  })
})
