/**
 * What several workers on one store in PostgreSQL bring together, against the same detector alone in one process on all
 * cores. The server runs on the same cores here; on a machine of its own it takes nothing from them.
 *
 *   node bench/machines.js --store postgres://… [--model FILE] [--pictures 300] [--workers 3]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { JobService } from '../dist/jobs/service.js'
import { ContentBlobs } from '../dist/local/content-blobs.js'
import { WorkerPool } from '../dist/pool/worker-pool.js'
import { openPostgresHome } from '../dist/postgres/home.js'

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    model: { type: 'string', default: 'yolox-nano' },
    pictures: { type: 'string', default: '300' },
    workers: { type: 'string', default: '3' },
  },
})
const ROUNDS = 3
const count = Number(values.pictures)
const say = (name, value) => console.log(`${name.padEnd(44)} ${value}`)
const folder = await mkdtemp(join(tmpdir(), 'boxlet-bench-machines-'))
const home = await openPostgresHome(values.store, {
  blobs: join(folder, 'blobs'),
  openBlobs: (where) => new ContentBlobs(where),
})
const service = new JobService(home.store, home.pictures)
const place = new URL('../examples/pictures/', import.meta.url)
const names = (await readdir(place)).filter((name) => name.endsWith('.png'))
const pictures = await Promise.all(names.map((name) => readFile(new URL(name, place))))
const refs = await Promise.all(pictures.map((bytes) => home.blobs.keep(bytes)))

const pool = await WorkerPool.start({
  models: [{ name: 'model', model: values.model, options: {} }],
  workers: availableParallelism(),
  threads: 1,
  queue: 1000,
  tasksPerWorker: 1,
})
const detector = await pool.get('model')
const alone = async () => {
  let next = 0
  const started = performance.now()
  await Promise.all(
    Array.from({ length: availableParallelism() + 1 }, async () => {
      while (next < count) {
        await detector.detect(pictures[next++ % pictures.length], {})
      }
    }),
  )
  return (count / (performance.now() - started)) * 1000
}
const together = async () => {
  const started = performance.now()
  const { job } = await service.submit('local', {
    options: {},
    pictures: Array.from({ length: count }, (_, n) => ({
      name: `${n}.png`,
      source: { kind: 'blob', ref: refs[n % refs.length], owned: true },
    })),
  })
  for (;;) {
    const { finishedAt } = await home.store.get('local', job.id)
    if (finishedAt !== undefined) {
      return (count / (performance.now() - started)) * 1000
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const bin = new URL('../bin/boxlet.js', import.meta.url).pathname
const workers = await Promise.all(
  Array.from({ length: Number(values.workers) }, async () => {
    const args = ['work', '--store', values.store, '--model', `model=${values.model}`, '--workers', '1']
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    for await (const text of child.stderr) {
      if (/working on/.test(String(text))) {
        break
      }
    }
    child.stderr.resume()
    return child
  }),
)
const loads = loadavg().map((load) => load.toFixed(1))
say('load of the machine', loads.join(' '))
await alone()
await together()
const ratios = []
for (let round = 0; round < ROUNDS; round++) {
  // One directly before and one after, so that the machine's other work weighs on both.
  const before = await alone()
  const through = await together()
  const after = await alone()
  ratios.push(through / ((before + after) / 2))
  const rates = `${((before + after) / 2).toFixed(1)} pictures/s alone, ${through.toFixed(1)} through PostgreSQL`
  say(`round ${round + 1}`, rates)
}
const median = ratios.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]
say(`${workers.length} workers through PostgreSQL / alone, median`, median.toFixed(3))
for (const child of workers) {
  child.kill('SIGTERM')
  await once(child, 'exit')
}
await pool.close()
await home.close()
await rm(folder, { recursive: true })
process.exit(0)
