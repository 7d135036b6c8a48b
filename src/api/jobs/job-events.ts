import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal, type Job } from '../../jobs/job.ts'
import { viewJob } from '../../jobs/view.ts'
import type { JobOffer } from './offer.ts'

/** Between two looks for events; people do not see the difference to at once. */
const LOOK_MS = 250
/** Proxies cut silent connections after 30 to 60 seconds; a comment keeps them. */
const BEAT_MS = 15_000
const AT_ONCE = 100

/**
 * The progress of a job as server-sent events: `job` with its state and counts whenever they change, `picture` for
 * each that is done, and `end`. A client that comes again with the id of its last event misses none.
 *
 * source  WHATWG HTML standard, "Server-sent events"
 */
export function jobEvents(
  offer: JobOffer,
  job: Job,
  lastEventId: string | undefined,
  closing: AbortSignal,
): ReadableStream<Uint8Array> {
  const gone = new AbortController()
  const encoder = new TextEncoder()
  return new ReadableStream({
    async start(controller) {
      try {
        for await (const text of follow(
          offer,
          job,
          lastEventId,
          () => closing.aborted || gone.signal.aborted,
        )) {
          // A client that does not read must not fill the memory.
          while ((controller.desiredSize ?? 1) < -AT_ONCE && !closing.aborted) {
            await sleep(LOOK_MS, undefined, { signal: gone.signal })
          }
          controller.enqueue(encoder.encode(text))
        }
        controller.close()
      } catch {
        // The caller went away, and the stream with it.
      }
    },
    cancel: () => gone.abort(),
  })
}

async function* follow(
  { service, bus }: JobOffer,
  job: Job,
  lastEventId: string | undefined,
  isOver: () => boolean,
): AsyncGenerator<string> {
  let after = lastEventId !== undefined && /^[0-9a-z]{1,26}$/.test(lastEventId) ? lastEventId : undefined
  let shown = ''
  let beat = performance.now()
  while (!isOver()) {
    const current = await service.get(job.tenant, job.id)
    const events = await bus.read({
      tenant: job.tenant,
      job: job.id,
      limit: AT_ONCE,
      ...(after !== undefined && { after }),
    })
    for (const { id, kind, data } of events) {
      after = id
      if (kind !== 'job.finished') {
        yield message(kind === 'picture.flagged' ? 'flagged' : 'picture', data, id)
      }
    }
    const view = JSON.stringify(viewJob(current))
    if (view !== shown) {
      shown = view
      beat = performance.now()
      yield `event: job\ndata: ${view}\n\n`
    }
    if (events.length < AT_ONCE) {
      if (isFinal(current.state)) {
        yield `event: end\ndata: ${view}\n\n`
        return
      }
      await sleep(LOOK_MS)
      if (performance.now() - beat > BEAT_MS) {
        beat = performance.now()
        yield ': still there\n\n'
      }
    }
  }
}

const message = (event: string, data: unknown, id: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
