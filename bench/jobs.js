/**
 * What jobs cost: accepting, claiming, listing and searching in a store that is full, detection through jobs against
 * the same detectors alone, and the memory of a worker.
 *
 *   node bench/jobs.js [--model FILE] [--finished 1000000] [--queued 100000] [--pictures 200] [--workers N]
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { jobId } from '../dist/jobs/id.js'
import { JobService } from '../dist/jobs/service.js'
import { openHome } from '../dist/local/home.js'
import { WorkerPool } from '../dist/pool/worker-pool.js'
import { startJobWorker } from '../dist/server/job-worker.js'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'yolox-nano' },
    finished: { type: 'string', default: '1000000' },
    queued: { type: 'string', default: '100000' },
    pictures: { type: 'string', default: '200' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
})
const DAY_MS = 86_400_000
const LABELS = ['person', 'car', 'dog', 'cat', 'chair', 'bottle', 'bird', 'boat', 'bus', 'cup']
const folder = await mkdtemp(join(tmpdir(), 'boxlet-bench-jobs-'))
const home = await openHome(join(folder, 'store'))
const service = new JobService(home.store, home.pictures)

const percentile = (times, share) => times.sort((a, b) => a - b)[Math.floor(times.length * share)]
const say = (name, value) => console.log(`${name.padEnd(44)} ${value}`)
const sized = (count) => Number(count).toLocaleString('en')

say(
  'load of the machine',
  loadavg()
    .map((load) => load.toFixed(1))
    .join(' '),
)
await accepting()
await filling(Number(values.finished), Number(values.queued))
await asking()
await home.close()
await rm(folder, { recursive: true })
await detecting(Number(values.pictures), Number(values.workers))
process.exit(0)

/** As many as come at once share a transaction, which waits for the disk. */
async function accepting() {
  const count = 20_000
  const started = performance.now()
  for (let n = 0; n < count; n += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        service.submit('local', {
          options: {},
          key: `${n + i}`,
          pictures: [{ name: 'a.jpg', source: { kind: 'url', url: 'https://pictures.example/a.jpg' } }],
        }),
      ),
    )
  }
  say(
    'accepted, durable, in batches of 256',
    `${Math.round((count / (performance.now() - started)) * 1000)} jobs/s`,
  )
}

/** Finished jobs straight into the tables, since detecting a million pictures is not what is measured. */
async function filling(finished, queued) {
  const { file } = home
  const now = Date.now()
  const result = JSON.stringify({
    image: {
      source: 'a.jpg',
      width: 640,
      height: 480,
      detections: LABELS.slice(0, 3).map((label, classId) => ({
        label,
        classId,
        score: 0.8,
        box: [1, 2, 300, 400],
      })),
      timings: { decode: 1, prepare: 1, run: 1, boxes: 1, total: 4 },
    },
    model: 'abc',
    altText: 'A picture.',
  })
  const source = '{"kind":"url","url":"https://pictures.example/a.jpg"}'
  for (let n = 0; n < finished; n += 10_000) {
    file.transaction(() => {
      for (let i = n; i < Math.min(n + 10_000, finished); i++) {
        const at = now - 30 * DAY_MS + Math.floor((i / finished) * 30 * DAY_MS)
        const { id: job } = file.run(
          `INSERT INTO jobs (id, tenant, state, options, total, succeeded, created, started, finished, expires, announced)
           VALUES (?, 'local', 'succeeded', '{}', 1, 1, ?, ?, ?, ?, 1)`,
          jobId(at),
          at,
          at,
          at,
          at + 60 * DAY_MS,
        )
        const { id: picture } = file.run(
          `INSERT INTO pictures (job, n, tenant, name, source, state, sent, attempts, finished, found)
           VALUES (?, 0, 'local', 'a.jpg', ?, 'succeeded', 1, 1, ?, ?)`,
          job,
          source,
          at,
          result,
        )
        for (let rank = 1; rank <= 3; rank++) {
          // Labels of very different frequency; scores spread evenly.
          const label = LABELS[Math.floor(((i * 7919 + rank) % 1000) ** 2 / 100_001)]
          const score = ((i * 104_729 + rank * 31) % 1000) / 1000
          file.run(
            'INSERT OR IGNORE INTO finds (tenant, label, rank, bucket, at, picture, score) VALUES (?, ?, ?, ?, ?, ?, ?)',
            'local',
            label,
            1 + (i % 2 === 0 ? rank - 1 : 0),
            Math.min(9, Math.floor(score * 10)),
            at,
            picture,
            score,
          )
        }
      }
    })
  }
  for (let n = 20_000; n < queued; n += 1000) {
    await home.store.accept(
      Array.from({ length: Math.min(1000, queued - n) }, () => ({
        tenant: 'local',
        options: {},
        ttlMs: DAY_MS,
        pictures: [{ name: 'a.jpg', source: { kind: 'url', url: 'https://pictures.example/a.jpg' } }],
      })),
    )
  }
  for (;;) {
    const unsent = await home.store.unsent(1000)
    if (unsent.length === 0) {
      break
    }
    await home.pictures.send(
      unsent.map(({ ref, group }) => ({ body: JSON.stringify([ref.tenant, ref.job, ref.n]), group })),
    )
    await home.store.sent(unsent)
  }
  say('then in the store', `${sized(finished)} finished, ${sized(queued)} queued`)
}

async function asking() {
  const term = (label, parts = {}) => ({ label, minScore: 0.6, least: 1, ...parts })
  const since = Date.now() - 10 * DAY_MS
  const list = { limit: 50 }
  const questions = {
    'list, newest': () => home.store.list('local', list),
    'list, queued and running': () => home.store.list('local', { ...list, states: ['queued', 'running'] }),
    'list, of ten days ago': () => home.store.list('local', { ...list, until: since }),
    'search, a frequent label': () => home.store.search('local', { ...list, terms: [term('person')] }),
    'search, a rare label at 0.95': () =>
      home.store.search('local', { ...list, terms: [term('cup', { minScore: 0.95 })] }),
    'search, two of a label since ten days': () =>
      home.store.search('local', { ...list, since, terms: [term('dog', { least: 2 })] }),
    'search, one label without another': () =>
      home.store.search('local', { ...list, terms: [term('dog'), term('person', { least: 0, most: 0 })] }),
    'search, absence alone': () =>
      home.store.search('local', { ...list, terms: [term('person', { least: 0, most: 0 })] }),
  }
  for (const [name, ask] of Object.entries(questions)) {
    const times = []
    for (let i = 0; i < 200; i++) {
      const started = performance.now()
      await ask()
      times.push(performance.now() - started)
    }
    say(`${name}, p95`, `${percentile(times, 0.95).toFixed(2)} ms`)
  }
  const claims = []
  for (let i = 0; i < 1000; i++) {
    const started = performance.now()
    const messages = await home.pictures.receive({ max: 1, leaseMs: 30_000 })
    claims.push(performance.now() - started)
    await home.pictures.done(messages)
  }
  say('claim, p95', `${percentile(claims, 0.95).toFixed(2)} ms`)
}

/** The same pool with the same pictures: called directly, as many at once as jobs have, and through jobs. */
async function detecting(count, workers) {
  const folderOfPictures = new URL('../examples/pictures/', import.meta.url)
  const names = (await readdir(folderOfPictures)).filter((name) => name.endsWith('.png'))
  const pictures = await Promise.all(names.map((name) => readFile(new URL(name, folderOfPictures))))
  const pool = await WorkerPool.start({
    models: [{ name: 'model', model: values.model, options: {} }],
    workers,
    threads: 1,
    queue: 1000,
    tasksPerWorker: 1,
  })
  const detector = await pool.get('model')
  const place = await mkdtemp(join(tmpdir(), 'boxlet-bench-jobs-'))
  const other = await openHome(join(place, 'store'))
  const refs = await Promise.all(pictures.map((bytes) => other.blobs.keep(bytes)))
  const bare = async () => {
    let next = 0
    const started = performance.now()
    await Promise.all(
      Array.from({ length: workers + 1 }, async () => {
        while (next < count) {
          await detector.detect(pictures[next++ % pictures.length], {})
        }
      }),
    )
    return (count / (performance.now() - started)) * 1000
  }
  const worker = startJobWorker({
    home: other,
    detectors: pool,
    concurrency: workers + 1,
    blobStore: undefined,
    urls: 'off',
    maxBytes: 2 ** 25,
    fetchMs: 1000,
    onNotice: console.error,
  })
  const jobs = async () => {
    const started = performance.now()
    const { job } = await worker.service.submit('local', {
      options: {},
      pictures: Array.from({ length: count }, (_, n) => ({
        name: `${n}.png`,
        source: { kind: 'blob', ref: refs[n % refs.length], owned: true },
      })),
    })
    while ((await other.store.get('local', job.id)).finishedAt === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return (count / (performance.now() - started)) * 1000
  }
  await bare()
  await jobs()
  const ratios = []
  const memory = []
  for (let round = 0; round < 5; round++) {
    // One directly before and one after, so that the machine's other work weighs on both.
    const before = await bare()
    const through = await jobs()
    const after = await bare()
    ratios.push(through / ((before + after) / 2))
    memory.push(process.memoryUsage.rss())
    say(
      `detection, round ${round + 1}`,
      `${((before + after) / 2).toFixed(1)} pictures/s alone, ${through.toFixed(1)} through jobs`,
    )
  }
  say('detection through jobs / alone, median', percentile(ratios, 0.5).toFixed(3))
  say('memory after each round', memory.map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`).join(', '))
  await worker.stop(1000)
  await pool.close()
  other.close()
  await rm(place, { recursive: true })
}
