import { useEffect, useRef } from 'preact/hooks'
import { call } from '../api.ts'
import { eventsOf } from './event-stream.ts'
import type { JobView } from './jobs-api.ts'

/** Streams at once: browsers open six connections to a host, and pictures need some. */
const MOST_STREAMS = 2

/** Follows the newest jobs that are under way by the events that the service sends. */
export function useProgress(jobs: readonly JobView[], onJob: (job: JobView, isDone: boolean) => void): void {
  const told = useRef(onJob)
  told.current = onJob
  const open = jobs
    .filter(({ state }) => state === 'queued' || state === 'running')
    .slice(0, MOST_STREAMS)
    .map(({ id }) => id)
    .join(' ')
  useEffect(() => {
    const leaving = new AbortController()
    for (const id of open.split(' ').filter(Boolean)) {
      void follow(id, leaving.signal, (job, isDone) => told.current(job, isDone))
    }
    return () => leaving.abort()
  }, [open])
}

async function follow(
  id: string,
  signal: AbortSignal,
  onJob: (job: JobView, isDone: boolean) => void,
): Promise<void> {
  try {
    // Not by EventSource, which sends no key.
    const response = await call(`/v1/jobs/${id}/events`, { signal, headers: { accept: 'text/event-stream' } })
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'job' || event === 'end') {
        onJob(JSON.parse(data) as JobView, event === 'end')
      }
    }
  } catch {
    // The list is read again when the person comes back to it.
  }
}
