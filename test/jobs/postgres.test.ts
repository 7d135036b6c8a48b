import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ContentBlobs } from '../../src/local/content-blobs.ts'
import { openPostgresHome, type PostgresHome } from '../../src/postgres/home.ts'
import { PostgresJobStore } from '../../src/postgres/postgres-job-store.ts'
import { PostgresQueue } from '../../src/postgres/postgres-queue.ts'
import { Turns } from '../../src/postgres/turns.ts'
import { finishOne } from '../support/finish.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'
import { eventBusContract } from './event-bus-contract.ts'
import { jobStoreContract } from './job-store-contract.ts'
import { queueContract } from './queue-contract.ts'

/** Statements over the network take milliseconds, on a busy machine tens of them. */
const UNIT_MS = 400

describe.skipIf(postgresPrograms === undefined)('the ports in PostgreSQL', () => {
  let cluster: Cluster
  let home: PostgresHome
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-postgres-blobs-'))
  beforeAll(async () => {
    cluster = await startCluster()
    home = await open('')
  }, 60_000)
  afterAll(async () => {
    await home.close()
    cluster.remove()
    await rm(folder, { recursive: true })
  })

  const open = (query: string, blobs: string | undefined = folder): Promise<PostgresHome> =>
    openPostgresHome(`${cluster.address}${query}`, {
      openBlobs: (where) => new ContentBlobs(where),
      ...(blobs !== '' && { blobs }),
    })
  /** Opening takes longer than emptying. */
  const emptied = async (): Promise<PostgresHome> => {
    await home.database.run(
      'TRUNCATE jobs, pictures, finds, totals, keys, arrivals, blobs, models, turns, dead, events',
    )
    return home
  }

  describe('queue', () => {
    let queues = 0
    const opened: PostgresHome[] = []
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()))
    })
    queueContract(async () => {
      const own = await open('')
      opened.push(own)
      const options = { name: `q${queues++}`, mostReceives: 3, sweepMs: 0 }
      return { queue: new PostgresQueue(own.queues, options), mostReceives: 3 }
    }, UNIT_MS)

    it('gives each of many messages to one of several receivers, whoever fetches them', async () => {
      const { database } = await emptied()
      const others = await Promise.all([open(''), open('')])
      const queue = (of: PostgresHome) => new PostgresQueue(of.queues, { name: 'many' })
      const receivers = [home, ...others].map(queue)
      // All three feed the same, as workers do that see the same pictures without a message.
      const messages = Array.from({ length: 60 }, (_, i) => ({ body: `message ${i}`, group: `${i % 3}` }))
      await Promise.all(receivers.map((each) => each.send(messages)))
      const got = await Promise.all(
        receivers.map(async (each) => {
          const bodies: string[] = []
          for (;;) {
            const some = await each.receive({ max: 4, leaseMs: 30_000 })
            if (some.length === 0) {
              return bodies
            }
            bodies.push(...some.map(({ body }) => body))
            await each.done(some)
          }
        }),
      )
      expect(got.flat().sort()).toEqual(messages.map(({ body }) => body).sort())
      await Promise.all(others.map((each) => each.close()))
      expect(await database.all('SELECT * FROM dead')).toEqual([])
    })
  })
  describe('turns', () => {
    it('alternate between groups, whenever each of them comes', async () => {
      const turns = new Turns((await emptied()).database, 'turns')
      const large = await turns.next(Array.from({ length: 100 }, () => 'large'))
      await turns.served(large[9]!.turn)
      const [small] = await turns.next(['small'])
      expect(small!.priority).toBe(large[10]!.priority)
      const [next] = await turns.next(['large'])
      expect(next!.priority).toBe(large.at(-1)!.priority + 1)
    })

    it('begin anew when nothing waits, so that their numbers have room for ever', async () => {
      const { database } = await emptied()
      const turns = new Turns(database, 'turns')
      await turns.next(['a'])
      await turns.served(2_000_000)
      await turns.emptied()
      const [first, second] = await turns.next(['a', 'b'])
      expect([first!.priority, second!.priority]).toEqual([1, 1])
      await turns.served(first!.turn + 5_000_000)
      expect((await turns.next(['a']))[0]!.priority).toBe(2 ** 21 - 1)
    })
  })
  describe('event bus', () => eventBusContract(async () => (await emptied()).bus))
  describe('job store', () => jobStoreContract(async () => (await emptied()).store))

  describe('several servers at once', () => {
    beforeEach(emptied)
    const opened: PostgresHome[] = []
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()))
    })
    const stores = async (): Promise<PostgresJobStore[]> => {
      opened.push(...(await Promise.all([open(''), open(''), open('')])))
      return opened.map(({ database }) => new PostgresJobStore(database))
    }
    const job = (key: string, pictures = 1) => ({
      tenant: 'ann',
      options: {},
      ttlMs: 1e6,
      key: { key, fingerprint: 'f' },
      pictures: Array.from({ length: pictures }, (_, i) => ({
        name: `${i}.jpg`,
        source: { kind: 'url' as const, url: 'https://x.example/a.jpg' },
      })),
    })

    it('make one job of one key', async () => {
      const all = await stores()
      const keys = Array.from({ length: 20 }, (_, i) => `${i}`)
      const answers = await Promise.all(
        all.map((store, turn) =>
          store.accept((turn === 1 ? [...keys].reverse() : keys).map((key) => job(key))),
        ),
      )
      expect(answers.flat().filter(({ outcome }) => outcome === 'created')).toHaveLength(20)
      expect((await all[0]!.list('ann', { limit: 100 })).items).toHaveLength(20)
    })

    it('count each picture of a job once, and end it once', async () => {
      const all = await stores()
      const [accepted] = await all[0]!.accept([job('k', 40)])
      const { id } = (accepted as { job: { id: string } }).job
      const ended = await Promise.all(
        all.map(async (store) => {
          let ends = 0
          for (let n = 0; n < 40; n++) {
            const ref = { tenant: 'ann', job: id, n }
            await store.start(ref)
            const failed = { state: 'failed' as const, error: { code: 'URL_FAILED' as const, message: 'no' } }
            ends += (await finishOne(store, ref, failed)) === undefined ? 0 : 1
          }
          return ends
        }),
      )
      expect(ended.reduce((sum, count) => sum + count)).toBe(1)
      expect(await all[0]!.get('ann', id)).toMatchObject({
        state: 'failed',
        counts: { total: 40, failed: 40 },
      })
    })

    it('cancel a job while its pictures are being finished', async () => {
      const all = await stores()
      const [accepted] = await all[0]!.accept([job('k', 60)])
      const { id } = (accepted as { job: { id: string } }).job
      const finishing = all.slice(1).map(async (store, turn) => {
        for (let n = turn; n < 60; n += 2) {
          const ref = { tenant: 'ann', job: id, n }
          await store.start(ref)
          await finishOne(store, ref, { state: 'failed', error: { code: 'URL_FAILED', message: 'no' } })
        }
      })
      await all[0]!.cancel('ann', id)
      await Promise.all(finishing)
      const { state, counts } = (await all[0]!.get('ann', id))!
      expect(state).toBe('cancelled')
      expect(counts.failed + counts.cancelled).toBe(60)
    })
  })

  describe('opening', () => {
    it('asks for the place of the pictures once, and remembers it', async () => {
      await expect(open('?schema=fresh', '')).rejects.toMatchObject({
        code: 'USAGE',
        hint: expect.stringContaining('--store-blobs'),
      })
      await (await open('?schema=fresh')).close()
      await (await open('?schema=fresh', '')).close()
      await expect(open('?schema=fresh', '/elsewhere')).rejects.toMatchObject({ code: 'USAGE' })
    })

    it('keeps to its schema whatever options the address has', async () => {
      const asked = '?schema=kept&options=-c%20search_path%3Dpublic%20-c%20work_mem%3D7MB'
      const kept = await open(asked)
      expect(await kept.database.get('SELECT current_schema() AS schema')).toEqual({ schema: 'kept' })
      expect(await kept.database.get('SHOW work_mem')).toEqual({ work_mem: '7MB' })
      expect(await kept.database.get('SHOW synchronous_commit')).toEqual({ synchronous_commit: 'off' })
      await kept.close()
      expect(await home.database.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual(
        [],
      )
    })

    it('names a store of a newer version and leaves it as it is', async () => {
      const newer = await open('?schema=newer')
      await newer.database.run("UPDATE settings SET value = '99' WHERE name = 'version'")
      await newer.close()
      await expect(open('?schema=newer')).rejects.toMatchObject({ code: 'STORE_VERSION' })
    })

    it("touches no other program's tables", async () => {
      await home.database.run('CREATE SCHEMA recipes; CREATE TABLE recipes.cakes (name text)')
      await expect(open('?schema=recipes')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      expect(
        await home.database.all("SELECT tablename FROM pg_tables WHERE schemaname = 'recipes'"),
      ).toHaveLength(1)
    })

    it.each([
      ['of a server that is not there', 'postgres://127.0.0.1:1/x', 'STORE_UNAVAILABLE', /does not answer/],
      ['of a schema that would be a statement', 'postgres://h/x?schema=a;drop', 'USAGE', /schema/],
      ['that cannot be read', 'postgres://us er@:x', 'USAGE', /postgres:\/\//],
    ])('names an address %s', async (_what, address, code, message) => {
      const opening = openPostgresHome(address, { openBlobs: (where) => new ContentBlobs(where) })
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    })

    it('names a database that is not there', async () => {
      const address = cluster.address.replace(/\/[^/]*$/, '/nothing')
      const opening = openPostgresHome(address, { openBlobs: (where) => new ContentBlobs(where) })
      await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('createdb') })
    })
  })

  it('keeps names with signs that the server has no place for', async () => {
    const { store } = await emptied()
    const [accepted] = await store.accept([
      {
        tenant: 'ann',
        batch: 'a\0b',
        options: { notes: { text: '\0\ud800' } },
        ttlMs: 1e6,
        pictures: [{ name: 'x\0y\ud800.jpg', source: { kind: 'url', url: 'https://x.example/\0' } }],
      },
    ])
    const { id } = (accepted as { job: { id: string } }).job
    expect((await store.get('ann', id))!.options.notes).toMatchObject({ text: expect.stringMatching(/^\0/) })
    expect((await store.list('ann', { batch: 'a\0b', limit: 1 })).items).toHaveLength(1)
  })
})
