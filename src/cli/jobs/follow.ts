import { setTimeout as sleep } from 'node:timers/promises'
import type { JobView } from '../../jobs/view.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'
import type { JobsClient } from './client.ts'

/** Between two looks. */
const LOOK_MS = 250

export interface Followed {
  /** As they are now; final unless the user stopped it. */
  jobs: JobView[]
  stopped: boolean
}

/** Waits until all jobs have ended, with progress on a terminal. Ctrl-C stops the waiting, not the jobs. */
export async function follow(client: JobsClient, ids: readonly string[], io: Io): Promise<Followed> {
  const jobs = new Map<string, JobView>()
  let line: ReturnType<typeof progressLine> | undefined
  let drawnFor = 0
  for (;;) {
    for (const id of ids) {
      if (!isOver(jobs.get(id))) {
        jobs.set(id, await client.show(id))
      }
    }
    const all = [...jobs.values()]
    const total = all.reduce((sum, { counts }) => sum + counts.total, 0)
    const done = all.reduce(
      (sum, { counts: { succeeded, failed, cancelled } }) => sum + succeeded + failed + cancelled,
      0,
    )
    if (line === undefined || total !== drawnFor) {
      // A manifest that is still being read grows.
      line?.clear()
      line = progressLine(io, total, 'pictures', done)
      drawnFor = total
    }
    line.update(done)
    const over = all.every(isOver)
    if (over || io.signal.aborted) {
      line.clear()
      return { jobs: all, stopped: !over }
    }
    await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {})
  }
}

const isOver = (job: JobView | undefined): boolean =>
  job !== undefined && job.state !== 'queued' && job.state !== 'running'
