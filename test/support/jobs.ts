import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { Detector } from '../../src/detector/detector.ts'
import { isFinal, type Job } from '../../src/jobs/job.ts'
import { type LocalHome, openHome } from '../../src/local/home.ts'
import { type JobWorker, type JobWorkerOptions, startJobWorker } from '../../src/server/job-worker.ts'
import { row, table } from './family-runs.ts'
import { constantModel } from './onnx-graph.ts'

const ROWS = 3 * (40 * 40 + 20 * 20 + 10 * 10)

/**
 * A model that runs in the real runtime and sees the same in every picture: two dogs and a cat, at scores .72, .63
 * and .4.
 */
export const dogModel = (): Uint8Array =>
  constantModel(
    [{ name: 'images', shape: [1, 3, 320, 320] }],
    [
      {
        name: 'output0',
        shape: [1, ROWS, 85],
        values: table(ROWS, 85, {
          7: row([160, 160, 100, 50, 0.9], 80, 16, 0.8),
          8: row([60, 60, 50, 50, 0.9], 80, 16, 0.7),
          9: row([260, 60, 50, 50, 0.8], 80, 15, 0.5),
        }),
      },
    ],
  )

export interface JobsPlace extends AsyncDisposable {
  folder: string
  home: LocalHome
  detector: Detector
  /** Starts a worker on the store; it ends with the place. */
  work(options?: Partial<JobWorkerOptions>): JobWorker
  notices: string[]
}

/** A store in a folder of its own, and a detector in this process. */
export async function jobsPlace(): Promise<JobsPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-jobs-'))
  const model = join(folder, 'dogs.onnx')
  await writeFile(model, dogModel())
  const detector = await Detector.load(model, { threads: 1 })
  const home = await openHome(join(folder, 'store'))
  const workers: JobWorker[] = []
  const notices: string[] = []
  return {
    folder,
    home,
    detector,
    notices,
    work(options = {}) {
      const worker = startJobWorker({
        home,
        detectors: { defaultName: 'dogs', get: async () => detector },
        concurrency: 1,
        blobStore: undefined,
        urls: 'any',
        maxBytes: 2 ** 20,
        fetchMs: 2000,
        onNotice: (line) => void notices.push(line),
        ...options,
      })
      workers.push(worker)
      return worker
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop(5000)))
      await home.close()
      await detector.dispose()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A small picture; each number gives another, and none so wide that boxes of the model fall beside it. */
export const jpeg = (number = 0): Promise<Buffer> =>
  sharp({
    create: {
      width: 64 + (number % 64),
      height: 64,
      channels: 3,
      background: { r: number % 256, g: (number >> 8) % 256, b: 90 },
    },
  })
    .jpeg()
    .toBuffer()

export async function ended(
  { store }: Pick<LocalHome, 'store'>,
  id: string,
  tenant = 'local',
  ms = 20_000,
): Promise<Job> {
  const until = Date.now() + ms
  for (;;) {
    const job = await store.get(tenant, id)
    if (job !== undefined && isFinal(job.state)) {
      return job
    }
    if (Date.now() > until) {
      throw new Error(`The job is ${job?.state} still.`)
    }
    await sleep(20)
  }
}
