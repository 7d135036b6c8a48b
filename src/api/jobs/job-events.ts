import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal, type Job, type JobState } from '../../jobs/job.ts'
import { SharedReads } from '../../jobs/shared-reads.ts'
import { viewJob } from '../../jobs/view.ts'
import type { JobOffer } from './offer.ts'

/** Between two looks for events; people do not see the difference to at once. */
const LOOK_MS = 250
/** Proxies cut silent connections after 30 to 60 seconds; a comment keeps them. */
const BEAT_MS = 15_000
const AT_ONCE = 100

/** A job at one moment, and what happened to it since an event. */
interface Look {
  state: JobState
  /** As JSON. */
  view: string
  /** Messages of the events, one behind the other. */
  text: string
  /** Id of the last event. */
  last: string | undefined
  /** There may be more behind it. */
  isFull: boolean
}

/**
 * The progress of jobs as server-sent events: `job` with its state and counts whenever they change, `picture` for each
 * that is done, and `end`. A client that comes again with the id of its last event misses none. All streams of a
 * process share their looks, so that a job that many follow is read as often as one that a single caller follows.
 *
 * source  WHATWG HTML standard, "Server-sent events"
 */
export class JobEvents {
  readonly #offer: JobOffer
  readonly #closing: AbortSignal
  readonly #looks = new SharedReads<Look>(LOOK_MS)

  /** @param closing aborted when the service stops, so that streams end */
  constructor(offer: JobOffer, closing: AbortSignal) {
    this.#offer = offer
    this.#closing = closing
  }

  /**
   * A stream that reads on only as its client reads: one that does not costs a full buffer and no more.
   *
   * @param onEnd called once it has ended or its client has gone
   */
  stream(job: Job, lastEventId: string | undefined, onEnd: () => void): ReadableStream<Uint8Array> {
    const gone = new AbortController()
    const encoder = new TextEncoder()
    const texts = this.#follow(job, lastEventId, AbortSignal.any([this.#closing, gone.signal]))
    return new ReadableStream(
      {
        async pull(controller) {
          const next = await texts.next().catch(() => undefined)
          if (next?.value !== undefined) {
            controller.enqueue(encoder.encode(next.value))
            return
          }
          onEnd()
          if (!gone.signal.aborted) {
            controller.close()
          }
        },
        cancel: () => {
          gone.abort()
          onEnd()
        },
      },
      { highWaterMark: 0 },
    )
  }

  async *#follow(
    job: Job,
    lastEventId: string | undefined,
    over: AbortSignal,
  ): AsyncGenerator<string, undefined> {
    let after = lastEventId !== undefined && /^[0-9a-z]{1,26}$/.test(lastEventId) ? lastEventId : undefined
    let shown = ''
    let beat = performance.now()
    while (!over.aborted) {
      const { state, view, text, last, isFull } = await this.#look(job, after)
      after = last ?? after
      const changed = view === shown ? '' : `event: job\ndata: ${view}\n\n`
      const ends = !isFull && isFinal(state)
      if (text !== '' || changed !== '' || ends) {
        shown = view
        beat = performance.now()
        yield `${text}${changed}${ends ? `event: end\ndata: ${view}\n\n` : ''}`
      }
      if (ends) {
        return
      }
      if (!isFull) {
        await sleep(LOOK_MS, undefined, { signal: over })
        if (performance.now() - beat > BEAT_MS) {
          beat = performance.now()
          yield ': still there\n\n'
        }
      }
    }
  }

  #look({ tenant, id }: Job, after: string | undefined): Promise<Look> {
    return this.#looks.get(JSON.stringify([tenant, id, after]), async () => {
      // The job first: what it has ended with is then among its events.
      const current = await this.#offer.service.get(tenant, id)
      const query = { tenant, job: id, limit: AT_ONCE, ...(after !== undefined && { after }) }
      const events = await this.#offer.bus.read(query)
      return {
        state: current.state,
        view: JSON.stringify(viewJob(current)),
        text: events
          .filter(({ kind }) => kind !== 'job.finished')
          .map((event) =>
            message(event.kind === 'picture.flagged' ? 'flagged' : 'picture', event.data, event.id),
          )
          .join(''),
        last: events.at(-1)?.id,
        isFull: events.length === AT_ONCE,
      }
    })
  }
}

const message = (event: string, data: unknown, id: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
