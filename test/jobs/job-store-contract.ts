import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { FoundPicture, Job, PictureOutcome, PictureRef } from '../../src/jobs/job.ts'
import type { JobStore, NewJob, NewPicture } from '../../src/jobs/job-store.ts'
import type { Verdict } from '../../src/jobs/rules.ts'
import type { SearchQuery, SearchTerm } from '../../src/jobs/search.ts'
import { finishOne } from '../support/finish.ts'

const HOUR = 3_600_000

/** What every store of jobs has to do, whatever lies behind it. `open` gives one without jobs. */
export function jobStoreContract(open: () => Promise<JobStore>): void {
  it('accepts jobs and gives them back as they were', async () => {
    const store = await open()
    const [accepted] = await store.accept([
      job({ batch: 'tray', options: { model: 'm', detect: { minScore: 0.5 } } }),
    ])
    expect(accepted!.outcome).toBe('created')
    const made = (accepted as { job: Job }).job
    expect(await store.get('ann', made.id)).toEqual(made)
    expect(made).toMatchObject({
      tenant: 'ann',
      state: 'queued',
      batch: 'tray',
      complete: true,
      options: { model: 'm', detect: { minScore: 0.5 } },
      counts: { total: 1, succeeded: 0, failed: 0, cancelled: 0 },
    })
    expect(made.expiresAt - made.createdAt).toBe(HOUR)
    expect((await store.pictures('ann', made.id, { limit: 10 })).items).toMatchObject([
      {
        n: 0,
        name: 'a.jpg',
        state: 'queued',
        attempts: 0,
        source: { kind: 'url', url: 'https://x.org/a.jpg' },
      },
    ])
  })

  it('shows a job to its owner only', async () => {
    const store = await open()
    const { id } = await made(store)
    expect(await store.get('bob', id)).toBeUndefined()
    expect((await store.list('bob', { limit: 10 })).items).toEqual([])
    expect((await store.pictures('bob', id, { limit: 10 })).items).toEqual([])
    expect(await store.cancel('bob', id)).toBeUndefined()
    expect(await store.start({ tenant: 'bob', job: id, n: 0 })).toBeUndefined()
  })

  it('gives the same job for the same key, and a conflict for other parameters', async () => {
    const store = await open()
    const key = { key: 'k', fingerprint: 'f' }
    const first = await made(store, { key })
    const [same, other, elsewhere] = await store.accept([
      job({ key }),
      job({ key: { ...key, fingerprint: 'g' } }),
      job({ key, tenant: 'bob' }),
    ])
    expect(same).toMatchObject({ outcome: 'same', job: { id: first.id } })
    expect(other).toEqual({ outcome: 'conflict' })
    expect(elsewhere).toMatchObject({ outcome: 'created' })
  })

  it('takes one of two jobs with one key in one call', async () => {
    const store = await open()
    const key = { key: 'k', fingerprint: 'f' }
    const [one, two] = await store.accept([job({ key }), job({ key })])
    expect(two).toMatchObject({ outcome: 'same', job: { id: (one as { job: Job }).job.id } })
  })

  it('goes through its states', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b')] })
    expect(await store.start(ref(id, 0))).toMatchObject({ picture: { name: 'a' } })
    expect(await store.get('ann', id)).toMatchObject({ state: 'running' })
    expect(await finishOne(store, ref(id, 0), succeeded())).toBeUndefined()
    await store.start(ref(id, 1))
    const ended = await finishOne(store, ref(id, 1), failed)
    expect(ended).toMatchObject({
      id,
      state: 'succeeded',
      counts: { total: 2, succeeded: 1, failed: 1, cancelled: 0 },
    })
    expect(ended!.finishedAt).toBeGreaterThanOrEqual(ended!.startedAt!)
    expect(await store.get('ann', id)).toEqual(ended)
    expect(await store.picture(ref(id, 0))).toMatchObject({
      state: 'succeeded',
      attempts: 1,
      found: { altText: 'A picture of one dog.' },
    })
    expect((await store.pictures('ann', id, { states: ['failed'], limit: 10 })).items).toMatchObject([
      { n: 1, error: { code: 'IMAGE_CORRUPT' } },
    ])
  })

  it('fails a job of which every picture failed', async () => {
    const store = await open()
    const { id } = await made(store)
    await store.start(ref(id, 0))
    expect(await finishOne(store, ref(id, 0), failed)).toMatchObject({ state: 'failed' })
  })

  it('counts the first outcome of a picture, whatever comes after', async () => {
    const store = await open()
    const { id } = await made(store)
    await store.start(ref(id, 0))
    await store.start(ref(id, 0))
    expect(await finishOne(store, ref(id, 0), succeeded(), 2)).toMatchObject({ state: 'succeeded' })
    expect(await finishOne(store, ref(id, 0), failed)).toBeUndefined()
    expect(await store.start(ref(id, 0))).toBeUndefined()
    expect(await store.get('ann', id)).toMatchObject({ counts: { succeeded: 1, failed: 0 } })
    expect(await store.picture(ref(id, 0))).toMatchObject({ attempts: 2 })
    expect(await store.totals('ann', id)).toEqual([{ label: 'dog', pictures: 1, objects: 1 }])
  })

  it('finishes pictures of several jobs in one call, each once, and names the jobs that end by it', async () => {
    const store = await open()
    const first = await made(store, { pictures: Array.from({ length: 30 }, (_, i) => picture(`${i}`)) })
    const second = await made(store, { pictures: [picture('a'), picture('b')] })
    const each = (id: string, n: number, outcome: PictureOutcome = succeeded()) => ({
      ref: ref(id, n),
      outcome,
      receives: 1,
    })
    for (let n = 0; n < 30; n++) {
      await store.start(ref(first.id, n))
    }
    await store.finish([each(first.id, 3), each(second.id, 1, failed)])
    const ended = await store.finish([
      ...Array.from({ length: 30 }, (_, n) => each(first.id, n, n === 3 ? failed : succeeded())),
      each(first.id, 4),
      each(first.id, 99),
    ])
    expect(ended).toMatchObject([{ id: first.id, counts: { total: 30, succeeded: 30, failed: 0 } }])
    expect(await store.totals('ann', first.id)).toEqual([{ label: 'dog', pictures: 30, objects: 30 }])
    expect(await store.get('ann', second.id)).toMatchObject({ counts: { succeeded: 0, failed: 1 } })
    const found: string[] = []
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await store.search('ann', { ...query(term('dog')), limit: 7, ...(cursor && { cursor }) })
      found.push(...page.items.map((one) => one.picture.name))
      cursor = page.cursor
      more = cursor !== undefined
    }
    expect(found).toHaveLength(30)
    expect(new Set(found).size).toBe(30)
  })

  it('keeps the reason of a try that will be repeated', async () => {
    const store = await open()
    const { id } = await made(store)
    await store.start(ref(id, 0))
    await store.release(ref(id, 0), { code: 'URL_FAILED', message: 'no answer' })
    expect(await store.picture(ref(id, 0))).toMatchObject({ state: 'queued', error: { code: 'URL_FAILED' } })
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), succeeded())
    expect((await store.picture(ref(id, 0)))!.error).toBeUndefined()
  })

  it('cancels what is not done and keeps what is', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b'), picture('c')] })
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), succeeded())
    await store.start(ref(id, 1))
    expect(await store.cancel('ann', id)).toMatchObject({
      state: 'cancelled',
      counts: { total: 3, succeeded: 1, failed: 0, cancelled: 2 },
    })
    expect(await finishOne(store, ref(id, 1), succeeded())).toBeUndefined()
    expect(await store.start(ref(id, 2))).toBeUndefined()
    expect(await store.cancel('ann', id)).toBeUndefined()
    expect(await store.unsent(10)).toEqual([])
  })

  it('queues failed and cancelled pictures again', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b'), picture('c')] })
    await sendAll(store)
    for (const [n, outcome] of [succeeded(), failed, failed].entries()) {
      await store.start(ref(id, n))
      await finishOne(store, ref(id, n), outcome)
    }
    expect(await store.retry('ann', id, ['failed'])).toBe(2)
    expect(await store.get('ann', id)).toMatchObject({ state: 'running', counts: { failed: 0 } })
    expect((await store.get('ann', id))!.finishedAt).toBeUndefined()
    expect((await store.unsent(10)).map((entry) => entry.ref.n)).toEqual([1, 2])
    for (const n of [1, 2]) {
      await store.start(ref(id, n))
      await finishOne(store, ref(id, n), succeeded())
    }
    expect(await store.get('ann', id)).toMatchObject({ state: 'succeeded', counts: { succeeded: 3 } })
    expect(await store.retry('ann', id, ['failed', 'cancelled'])).toBe(0)
    expect(await store.retry('bob', id, ['failed'])).toBe(0)
  })

  it('revives one failed picture', async () => {
    const store = await open()
    const { id } = await made(store)
    expect(await store.revive(ref(id, 0))).toBe(false)
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), failed)
    expect(await store.revive(ref(id, 0))).toBe(true)
    expect(await store.get('ann', id)).toMatchObject({ state: 'running', counts: { failed: 0 } })
  })

  it('names what has no message yet until it is told that it has', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b')] })
    const [first, second] = await store.unsent(10)
    expect([first!.ref, second!.ref]).toEqual([ref(id, 0), ref(id, 1)])
    await store.sent([first!])
    expect((await store.unsent(10)).map((entry) => entry.ref)).toEqual([ref(id, 1)])
  })

  it('keeps what a retry has asked for while others were noted as sent', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b')] })
    const seen = await store.unsent(10)
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), failed)
    await store.retry('ann', id, ['failed'])
    await store.sent(seen)
    expect((await store.unsent(10)).map((entry) => entry.ref)).toEqual([ref(id, 0)])
  })

  it('goes on with a cancelled job of many pictures, without those that were not done', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: Array.from({ length: 150 }, (_, i) => picture(`${i}`)) })
    await sendAll(store)
    await store.start(ref(id, 7))
    await finishOne(store, ref(id, 7), failed)
    await store.cancel('ann', id)
    expect(await store.retry('ann', id, ['failed'])).toBe(1)
    expect(await store.get('ann', id)).toMatchObject({
      state: 'running',
      counts: { total: 150, succeeded: 0, failed: 0, cancelled: 149 },
    })
    expect((await store.unsent(10)).map((entry) => entry.ref)).toEqual([ref(id, 7)])
    await store.start(ref(id, 7))
    expect(await finishOne(store, ref(id, 7), succeeded())).toMatchObject({
      state: 'cancelled',
      counts: { succeeded: 1, cancelled: 149 },
    })
    expect(await store.retry('ann', id, ['cancelled'])).toBe(149)
  })

  it('gives pictures of large jobs a group of their own', async () => {
    const store = await open()
    await made(store)
    const { id } = await made(store, { pictures: Array.from({ length: 20 }, (_, i) => picture(`${i}`)) })
    const groups = new Set((await store.unsent(100)).map(({ group }) => group))
    expect([...groups]).toEqual(['ann', `ann/${id}`])
  })

  it('names jobs whose end was not told until it was', async () => {
    const store = await open()
    const { id } = await made(store)
    expect(await store.unannounced(10)).toEqual([])
    await store.start(ref(id, 0))
    const ended = await finishOne(store, ref(id, 0), failed)
    expect(await store.unannounced(10)).toEqual([ended])
    await store.announced([ended!])
    expect(await store.unannounced(10)).toEqual([])
    await store.retry('ann', id, ['failed'])
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), succeeded())
    expect(await store.unannounced(10)).toMatchObject([{ id, state: 'succeeded' }])
  })

  it('adds the pictures of a manifest, each part once', async () => {
    const store = await open()
    const manifest = { bucket: 'lists', key: 'list.jsonl', format: 'jsonl' as const }
    const { id, complete } = await made(store, { pictures: [], manifest })
    expect(complete).toBe(false)
    const [unread] = await store.unread(10)
    expect(unread).toMatchObject({
      tenant: 'ann',
      job: id,
      position: { source: manifest, offset: 0, lines: 0 },
    })
    const part = [picture('a', { line: 1 }), unreadable(2)]
    const next = { source: manifest, offset: 100, lines: 2 }
    expect(await store.expand(unread!, part, next)).toBe(true)
    expect(await store.expand(unread!, part, next)).toBe(false)
    expect(await store.get('ann', id)).toMatchObject({
      complete: false,
      state: 'running',
      counts: { total: 2, failed: 1 },
    })
    await store.start(ref(id, 0))
    await finishOne(store, ref(id, 0), succeeded())
    expect(await store.get('ann', id)).toMatchObject({ state: 'running' })
    const [rest] = await store.unread(10)
    expect(rest!.position).toEqual(next)
    expect(await store.expand(rest!, [], undefined)).toBe(true)
    expect(await store.get('ann', id)).toMatchObject({
      complete: true,
      state: 'succeeded',
      counts: { total: 2, succeeded: 1, failed: 1 },
    })
    expect(await store.unread(10)).toEqual([])
    expect((await store.unannounced(10)).map((ended) => ended.id)).toEqual([id])
  })

  it('does not retry lines that cannot be read', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [unreadable(1)] })
    expect(await store.get('ann', id)).toMatchObject({ state: 'failed' })
    expect(await store.retry('ann', id, ['failed'])).toBe(0)
  })

  it('stops reading the manifest of a cancelled job, and goes on after a retry', async () => {
    const store = await open()
    const manifest = { bucket: 'lists', key: 'list.jsonl', format: 'jsonl' as const }
    const { id } = await made(store, { pictures: [], manifest })
    const [unread] = await store.unread(10)
    await store.cancel('ann', id)
    expect(await store.unread(10)).toEqual([])
    expect(await store.expand(unread!, [picture('a')], undefined)).toBe(false)
    await store.retry('ann', id, ['cancelled'])
    expect(await store.unread(10)).toHaveLength(1)
  })

  it('makes nothing of a version that is known or older, whatever order they come in', async () => {
    const store = await open()
    const version = (sequencer: string) =>
      job({ pictures: [picture('a', { arrival: { identity: 'bucket/a.jpg', sequencer } })] })
    const [second] = await store.accept([version('0A2')])
    expect(await store.accept([version('0a2')])).toMatchObject([
      { outcome: 'same', job: { id: (second as { job: Job }).job.id } },
    ])
    expect(await store.accept([version('0A1F')])).toEqual([{ outcome: 'outdated', sequencer: '0A2' }])
    // Filled up on the right: 0A2 is 0A20, older than 0A21.
    expect(await store.accept([version('0A21')])).toMatchObject([{ outcome: 'created' }])
  })

  it('finds only the newest version of a picture, though its result comes first', async () => {
    const store = await open()
    const version = (sequencer: string) =>
      job({ pictures: [picture('a', { arrival: { identity: 'a', sequencer } })] })
    const [older] = await store.accept([version('01')])
    const [newer] = await store.accept([version('02')])
    const ids = [newer, older].map((accepted) => (accepted as { job: Job }).job.id)
    for (const id of ids) {
      await store.start(ref(id, 0))
      await finishOne(store, ref(id, 0), succeeded())
    }
    const { items } = await store.search('ann', query(term('dog')))
    expect(items.map((found) => found.job)).toEqual([ids[0]])
    const all = await store.search('ann', query())
    expect(all.items.map((found) => found.job)).toEqual([ids[0]])
  })

  it('lists newest first, by state, batch and time, page by page', async () => {
    const store = await open()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      ids.unshift((await made(store, i % 2 === 0 ? { batch: 'even' } : {})).id)
      await sleep(3)
    }
    expect((await store.list('ann', { limit: 10 })).items.map(({ id }) => id)).toEqual(ids)
    const first = await store.list('ann', { limit: 2 })
    const second = await store.list('ann', { limit: 3, cursor: first.cursor! })
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
    expect(second.cursor).toBeUndefined()
    await store.cancel('ann', ids[1]!)
    const open_ = await store.list('ann', { states: ['queued', 'running'], limit: 10 })
    expect(open_.items.map(({ id }) => id)).toEqual(ids.filter((id) => id !== ids[1]))
    expect((await store.list('ann', { states: ['cancelled', 'failed'], limit: 10 })).items).toHaveLength(1)
    expect((await store.list('ann', { batch: 'even', limit: 10 })).items).toHaveLength(3)
    const { createdAt } = (await store.get('ann', ids[2]!))!
    expect((await store.list('ann', { since: createdAt, limit: 10 })).items.map(({ id }) => id)).toEqual(
      ids.slice(0, 3),
    )
    expect((await store.list('ann', { until: createdAt, limit: 10 })).items.map(({ id }) => id)).toEqual(
      ids.slice(3),
    )
  })

  it('pages through the pictures of a job', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: Array.from({ length: 5 }, (_, i) => picture(`${i}`)) })
    const first = await store.pictures('ann', id, { limit: 3 })
    const second = await store.pictures('ann', id, { limit: 3, cursor: first.cursor! })
    expect([...first.items, ...second.items].map(({ n }) => n)).toEqual([0, 1, 2, 3, 4])
    expect(second.cursor).toBeUndefined()
  })

  it('sums up a job by label', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b')] })
    await done(store, id, 0, [
      ['dog', 0.9],
      ['dog', 0.8],
      ['cat', 0.7],
    ])
    await done(store, id, 1, [['dog', 0.6]])
    expect(await store.totals('ann', id)).toEqual([
      { label: 'dog', pictures: 2, objects: 3 },
      { label: 'cat', pictures: 1, objects: 1 },
    ])
    expect(await store.totals('bob', id)).toEqual([])
  })

  it('finds by label, score, count and absence', async () => {
    const store = await open()
    const contents: [string, number][][] = [
      [['dog', 0.95]],
      [
        ['dog', 0.62],
        ['dog', 0.61],
      ],
      [
        ['Dog', 0.99],
        ['dog', 0.3],
        ['cat', 0.9],
      ],
      [['cat', 0.5]],
      [],
    ]
    const { id } = await made(store, { pictures: contents.map((_, i) => picture(`${i}`)) })
    for (const [n, content] of contents.entries()) {
      await done(store, id, n, content)
      await sleep(2)
    }
    const find = async (...terms: SearchTerm[]) =>
      (await store.search('ann', query(...terms))).items.map(({ picture: { n } }) => n)
    expect(await find(term('dog'))).toEqual([2, 1, 0])
    expect(await find(term('DOG', { minScore: 0.6 }))).toEqual([2, 1, 0])
    expect(await find(term('dog', { minScore: 0.63 }))).toEqual([2, 0])
    expect(await find(term('dog', { minScore: 0.6, least: 2 }))).toEqual([1])
    expect(await find(term('dog', { minScore: 0.2, least: 2 }))).toEqual([2, 1])
    expect(await find(term('dog', { minScore: 0.6, least: 1, most: 1 }))).toEqual([2, 0])
    expect(await find(term('dog', { least: 0, most: 0 }))).toEqual([4, 3])
    expect(await find(term('dog', { minScore: 0.96, least: 0, most: 0 }))).toEqual([4, 3, 1, 0])
    expect(await find(term('dog'), term('cat'))).toEqual([2])
    expect(await find(term('cat'), term('dog', { least: 0, most: 0 }))).toEqual([3])
    expect(await find(term('dog', { minScore: 1 }))).toEqual([])
    expect(await find()).toEqual([4, 3, 2, 1, 0])
    expect((await store.search('bob', query(term('dog')))).items).toEqual([])
  })

  it('finds by time, model, verdict and doubt', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b'), picture('c')] })
    await done(store, id, 0, [['dog', 0.9]], { model: 'aaa1' })
    await sleep(5)
    const between = Date.now()
    await sleep(5)
    await done(store, id, 1, [['dog', 0.9]], {
      model: 'bbb2',
      verdict: { verdict: 'deny', matches: [] },
      uncertain: true,
    })
    await done(store, id, 2, [['dog', 0.9]], { verdict: { verdict: 'review', matches: [] } })
    const find = async (parts: Partial<SearchQuery>) =>
      (await store.search('ann', { ...query(term('dog')), ...parts })).items.map(({ picture: { n } }) => n)
    expect((await find({ since: between })).sort()).toEqual([1, 2])
    expect(await find({ until: between })).toEqual([0])
    expect(await find({ model: 'bbb' })).toEqual([1])
    expect(await find({ verdict: 'deny' })).toEqual([1])
    expect(await find({ terms: [], verdict: 'review' })).toEqual([2])
    expect(await find({ terms: [], uncertain: true })).toEqual([1])
  })

  it('keeps what a person says of a result, takes it back, and finds by it', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: [picture('a'), picture('b'), picture('c')] })
    const review: Verdict = { verdict: 'review', matches: [] }
    await done(store, id, 0, [['dog\0', 0.9]], { verdict: review })
    await done(store, id, 1, [['dog', 0.9]], { verdict: review })
    const ref = (n: number, tenant = 'ann') => ({ tenant, job: id, n })
    const find = async (wanted: SearchQuery['review']) =>
      (await store.search('ann', { ...query(), verdict: 'review', ...(wanted && { review: wanted }) })).items
        .map(({ picture: { n } }) => n)
        .sort()
    expect(await find('open')).toEqual([0, 1])
    const said = await store.review(ref(0), 'rejected')
    expect(said?.found?.review).toMatchObject({ decision: 'rejected' })
    expect(await store.picture(ref(0))).toEqual(said)
    await store.review(ref(1), 'rejected')
    await store.review(ref(1), 'approved')
    expect(await find('open')).toEqual([])
    expect(await find('rejected')).toEqual([0])
    expect(await find('approved')).toEqual([1])
    await store.review(ref(0), undefined)
    expect(await find('open')).toEqual([0])
    expect((await store.picture(ref(0)))?.found?.review).toBeUndefined()
    expect(await store.review(ref(2), 'approved')).toBeUndefined()
    expect(await store.review(ref(0, 'bob'), 'approved')).toBeUndefined()
  })

  it('pages through what it finds without losing or repeating any', async () => {
    const store = await open()
    const { id } = await made(store, { pictures: Array.from({ length: 25 }, (_, i) => picture(`${i}`)) })
    for (let n = 0; n < 25; n++) {
      await done(store, id, n, [['dog', 0.1 + (n % 9) / 10]])
    }
    const seen: number[] = []
    let cursor: string | undefined
    do {
      const page = await store.search('ann', {
        ...query(term('dog')),
        limit: 4,
        ...(cursor !== undefined && { cursor }),
      })
      seen.push(...page.items.map(({ picture: { n } }) => n))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i))
  })

  it('keeps the model and its contract once', async () => {
    const store = await open()
    expect(await store.model('k')).toBeUndefined()
    const stored = { model: { name: 'm', family: 'f', sha256: 's', licence: null }, contract: {} as never }
    await store.saveModel('k', stored)
    await store.saveModel('k', stored)
    expect(await store.model('k')).toEqual(stored)
  })

  it('forgets jobs whose time is over, with all that hangs on them', async () => {
    const store = await open()
    const { id } = await made(store, { ttlMs: 1 })
    const kept = await made(store)
    await done(store, id, 0, [['dog', 0.9]])
    await sleep(5)
    expect(await store.prune(10)).toBe(1)
    expect(await store.prune(10)).toBe(0)
    expect(await store.get('ann', id)).toBeUndefined()
    expect((await store.search('ann', query(term('dog')))).items).toEqual([])
    expect((await store.list('ann', { limit: 10 })).items.map((item) => item.id)).toEqual([kept.id])
  })

  it('knows which blobs it still needs', async () => {
    const store = await open()
    const source = (key: string) => ({
      kind: 'blob' as const,
      ref: { bucket: 'own', key },
      owned: true as const,
    })
    await made(store, { ttlMs: 1, pictures: [picture('a', { source: source('short') })] })
    await made(store, { pictures: [picture('a', { source: source('long') })] })
    expect(await store.usesBlob('short')).toBe(true)
    await sleep(5)
    await store.prune(10)
    expect(await store.usesBlob('short')).toBe(false)
    expect(await store.usesBlob('long')).toBe(true)
  })
}

const picture = (name: string, parts: Partial<NewPicture> = {}): NewPicture => ({
  name,
  source: { kind: 'url', url: `https://x.org/${name}` },
  ...parts,
})

const unreadable = (line: number): NewPicture => ({
  name: `line ${line}`,
  line,
  source: { kind: 'none', error: { code: 'MANIFEST_INVALID', message: 'no source' } },
})

const job = (parts: Partial<NewJob> = {}): NewJob => ({
  tenant: 'ann',
  options: {},
  pictures: [picture('a.jpg')],
  ttlMs: HOUR,
  ...parts,
})

async function made(store: JobStore, parts: Partial<NewJob> = {}): Promise<Job> {
  const [accepted] = await store.accept([job(parts)])
  return (accepted as { job: Job }).job
}

const ref = (id: string, n: number): PictureRef => ({ tenant: 'ann', job: id, n })

async function sendAll(store: JobStore): Promise<void> {
  await store.sent(await store.unsent(1000))
}

const succeeded = (
  content: readonly (readonly [string, number])[] = [['dog', 0.9]],
  parts: Partial<FoundPicture> = {},
) => ({
  state: 'succeeded' as const,
  found: {
    model: 'key',
    altText: 'A picture of one dog.',
    image: {
      source: 'a.jpg',
      width: 100,
      height: 80,
      timings: { decode: 1, prepare: 1, run: 1, boxes: 1, total: 4 },
      detections: content.map(([label, score]) => ({
        label,
        classId: 0,
        score,
        box: [0, 0, 10, 10] as [number, number, number, number],
      })),
    },
    ...parts,
  },
})

const failed = {
  state: 'failed' as const,
  error: { code: 'IMAGE_CORRUPT' as const, message: 'damaged' },
}

async function done(
  store: JobStore,
  id: string,
  n: number,
  content: readonly (readonly [string, number])[],
  parts: Partial<FoundPicture> = {},
): Promise<void> {
  await store.start(ref(id, n))
  await finishOne(store, ref(id, n), succeeded(content, parts))
}

const term = (label: string, parts: Partial<SearchTerm> = {}): SearchTerm => ({
  label,
  minScore: 0.05,
  least: 1,
  ...parts,
})

const query = (...terms: SearchTerm[]): SearchQuery => ({ terms, limit: 50 })
