import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isFinal } from '../../src/jobs/job.ts'
import { ContentBlobs } from '../../src/local/content-blobs.ts'
import { openPostgresHome, type PostgresHome } from '../../src/postgres/home.ts'
import { dogModel, jpeg } from '../support/jobs.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'

/** `npm run soak -- machines` takes as many pictures as the issue of several machines asked for. */
const soak = Number(process.env.BOXLET_TEST_SOAK ?? 0)
const PICTURES = soak > 0 ? soak : 150
const WORKERS = 3
/** Of the long form as long as it takes to begin anew many times, so that work and not beginning fills the time. */
const LIFE_MS = soak > 0 ? 25_000 : 4_000
const BIN = join(import.meta.dirname, '../../bin/boxlet.js')

describe.skipIf(postgresPrograms === undefined)('several machines on one store', () => {
  let folder: string
  let cluster: Cluster
  let home: PostgresHome
  const children = new Set<ChildProcess>()
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-machines-'))
    await writeFile(join(folder, 'dogs.onnx'), dogModel())
    cluster = await startCluster()
    home = await openPostgresHome(cluster.address, {
      blobs: join(folder, 'kept'),
      openBlobs: (where) => new ContentBlobs(where),
    })
  }, 60_000)
  afterEach(async () => {
    for (const child of children) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await home.close()
    cluster.remove()
    await rm(folder, { recursive: true, force: true })
  })

  const boxlet = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }
  const outputOf = async (child: ChildProcess): Promise<string> => {
    let output = ''
    child.stdout?.on('data', (data) => {
      output += String(data)
    })
    child.stderr?.on('data', (data) => {
      output += String(data)
    })
    await once(child, 'exit')
    return output
  }

  /** A worker that knows the address alone, killed at random moments and started again. */
  async function restless(stop: AbortSignal): Promise<number> {
    let kills = 0
    while (!stop.aborted) {
      const child = boxlet(
        ...['work', '--store', cluster.address, '--model', `dogs=${join(folder, 'dogs.onnx')}`],
        ...['--workers', '1', '--lease', '2', '--blobs', join(folder, 'buckets')],
      )
      let isReady = false
      child.stderr?.on('data', (data) => {
        isReady ||= /working on/.test(String(data))
      })
      while (!isReady && child.exitCode === null && !stop.aborted) {
        await sleep(50)
      }
      await sleep(500 + Math.random() * LIFE_MS, undefined, { signal: stop }).catch(() => {})
      if (!stop.aborted) {
        kills++
      }
      // One that found no server has gone by itself.
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }
    return kills
  }

  it(
    `gives each of ${PICTURES} pictures of a list one result, with workers killed and the server restarted`,
    async () => {
      const bucket = join(folder, 'buckets', 'photos')
      await mkdir(bucket, { recursive: true })
      const lines: string[] = []
      for (let n = 0; n < PICTURES; n++) {
        await writeFile(join(bucket, `${n}.jpg`), await jpeg(n))
        lines.push(JSON.stringify({ 'source-ref': `s3://photos/${n}.jpg` }))
      }
      await writeFile(join(folder, 'list.jsonl'), lines.join('\n'))
      const submitted = await outputOf(
        boxlet('jobs', 'submit', '--manifest', 'list.jsonl', '--store', cluster.address, '--format', 'json'),
      )
      const [{ id }] = JSON.parse(submitted) as [{ id: string }]
      const started = performance.now()
      const stop = new AbortController()
      const workers = Array.from({ length: WORKERS }, () => restless(stop.signal))
      let restarts = 0
      const until = Date.now() + (soak > 0 ? 3_600_000 : 240_000)
      for (;;) {
        const job = await home.store.get('local', id).catch(() => undefined)
        if (job !== undefined && isFinal(job.state)) {
          break
        }
        if (restarts === 0 && job !== undefined && job.counts.succeeded > PICTURES / 3) {
          // As when the power is lost: what was not on the disk is gone, and the rest is as it was.
          cluster.stop('immediate')
          await sleep(1000)
          cluster.start()
          restarts++
        }
        expect(Date.now()).toBeLessThan(until)
        await sleep(100)
      }
      const seconds = (performance.now() - started) / 1000
      stop.abort()
      const kills = (await Promise.all(workers)).reduce((sum, count) => sum + count)
      expect(await home.store.get('local', id)).toMatchObject({
        state: 'succeeded',
        counts: { total: PICTURES, succeeded: PICTURES, failed: 0, cancelled: 0 },
      })
      expect(await home.store.totals('local', id)).toEqual([
        { label: 'dog', pictures: PICTURES, objects: 2 * PICTURES },
        { label: 'cat', pictures: PICTURES, objects: PICTURES },
      ])
      const finds = await home.database.get("SELECT count(*) AS n FROM finds WHERE label = 'cat'")
      expect(Number(finds!.n)).toBe(PICTURES)
      expect(restarts).toBe(1)
      expect(kills).toBeGreaterThan(0)
      console.log(`${PICTURES} pictures in ${seconds.toFixed(0)} s, ${kills} kills, ${restarts} restart`)
    },
    soak > 0 ? 3_700_000 : 300_000,
  )

  it('uploads what is submitted, and takes every verb as a store of one machine does', async () => {
    await mkdir(join(folder, 'photos'))
    for (let n = 0; n < 5; n++) {
      await writeFile(join(folder, 'photos', `${n}.jpg`), await jpeg(n))
    }
    const where = ['--store', cluster.address]
    const told = await outputOf(
      boxlet('jobs', 'submit', 'photos', '--wait', ...where, '--model', 'dogs.onnx', '--workers', '1'),
    )
    expect(told).toContain('5 succeeded')
    // Nobody needs the folder any more: the pictures are kept where all see them.
    await rm(join(folder, 'photos'), { recursive: true })
    expect(await outputOf(boxlet('jobs', 'list', ...where))).toContain('photos')
    const found = await outputOf(boxlet('jobs', 'search', '--label', 'dog', '--count', '>=2', ...where))
    expect(found.trim().split('\n')).toHaveLength(5)
    await outputOf(boxlet('jobs', 'export', '--label', 'dog', '--set', 'set', ...where))
    expect(await readdir(join(folder, 'set', 'images'))).toHaveLength(5)
    expect(await outputOf(boxlet('jobs', 'backup', 'copy', ...where))).toContain('pg_dump')
    expect(await outputOf(boxlet('jobs', 'move', '--from', cluster.address, '--to', 'embedded'))).toContain(
      'copied 1 job with 5 pictures',
    )
    expect(await outputOf(boxlet('jobs', 'search', '--label', 'cat', '--store', 'embedded'))).toBe(
      await outputOf(boxlet('jobs', 'search', '--label', 'cat', ...where)),
    )
  }, 120_000)
})
