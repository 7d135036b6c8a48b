import type { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import type { EventBus, EventKind, EventQuery, JobEvent, NewEvent } from '../../jobs/event-bus.ts'
import { isJobId, jobId } from '../../jobs/id.ts'
import { defined } from '../../system/defined.ts'
import { clientOptions, isUnreachable, loadSdk, sdkFault, unreachable } from '../clients/sdk.ts'
import type { Item } from './item.ts'
import { EVENTS } from './keys.ts'
import type { Table } from './table.ts'

type Sdk = typeof import('@aws-sdk/client-eventbridge')
const sdk = (): Sdk => loadSdk<Sdk>('@aws-sdk/client-eventbridge')

/** Digits of a moment at the beginning of an id. */
const TIME_DIGITS = 10
/** What EventBridge takes in one call. */
const MOST_ENTRIES = 10
/** What rules match on. */
export const EVENT_SOURCE = 'boxlet'
const DETAIL_TYPES: Record<EventKind, string> = {
  'job.finished': 'JobCompleted',
  'picture.finished': 'PictureDetected',
  'picture.flagged': 'PictureFlagged',
}

export interface EventBridgeBusOptions {
  table: Table
  /** Name or ARN of the bus. */
  bus: string
  /** Kinds that are published; an event costs as much as working on the picture of it. */
  kinds: readonly EventKind[]
  endpoint?: string
  region?: string
  now?: () => number
}

/** Events on a bus of EventBridge for rules, and in the table for those who follow a job over HTTP. */
export class EventBridgeBus implements EventBus {
  readonly #options: EventBridgeBusOptions
  readonly #now: () => number
  #client: EventBridgeClient | undefined
  #last = 0

  constructor(options: EventBridgeBusOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async publish(events: readonly NewEvent[]): Promise<void> {
    const { table, kinds } = this.#options
    const wanted = events
      .filter(({ kind }) => kinds.includes(kind))
      .map((event) => ({ ...event, ...this.#mark() }))
    if (wanted.length === 0) {
      return
    }
    await table.writeAll(
      wanted.map(({ id, at, kind, tenant, job, data }) => ({
        kind: 'put',
        item: {
          pk: EVENTS,
          sk: id,
          eventKind: kind,
          tenant,
          job,
          at,
          eventData: JSON.stringify(data),
          ttl: Math.ceil((at + JOB_DEFAULTS.eventMs) / 1000),
        },
      })),
    )
    for (let start = 0; start < wanted.length; start += MOST_ENTRIES) {
      await this.#put(wanted.slice(start, start + MOST_ENTRIES))
    }
  }

  async read({ tenant, job, after, limit }: EventQuery): Promise<JobEvent[]> {
    const events: JobEvent[] = []
    for await (const item of this.#options.table.query({
      pk: EVENTS,
      // Ids begin with their time, as those of jobs do: nothing of a job is older than it.
      from:
        after !== undefined
          ? `${after}!`
          : job !== undefined && isJobId(job)
            ? job.slice(0, TIME_DIGITS)
            : '0',
    })) {
      if ((tenant === undefined || item.tenant === tenant) && (job === undefined || item.job === job)) {
        events.push(eventOf(item))
      }
      if (events.length === limit) {
        break
      }
    }
    return events
  }

  async latest(): Promise<string | undefined> {
    for await (const { sk } of this.#options.table.query({ pk: EVENTS, descending: true, page: 1 })) {
      return String(sk)
    }
    return undefined
  }

  /** Ids of one process grow, also within a millisecond. */
  #mark(): { id: string; at: number } {
    const at = this.#now()
    this.#last = Math.max(at, this.#last + 1)
    return { id: jobId(this.#last), at }
  }

  async #put(events: readonly JobEvent[]): Promise<void> {
    const { PutEventsCommand, EventBridgeClient } = sdk()
    const { bus, endpoint, region } = this.#options
    this.#client ??= new EventBridgeClient({ ...clientOptions(), ...defined({ endpoint, region }) })
    const Entries = events.map(({ id, kind, tenant, job, at, data }) => ({
      EventBusName: bus,
      Source: EVENT_SOURCE,
      DetailType: DETAIL_TYPES[kind],
      Time: new Date(at),
      Detail: JSON.stringify({ id, owner: tenant, job, ...data }),
    }))
    try {
      const { Entries: answers = [] } = await this.#client.send(new PutEventsCommand({ Entries }))
      const refused = answers.find(({ ErrorCode }) => ErrorCode !== undefined)
      if (refused !== undefined) {
        throw Object.assign(new Error(), { name: refused.ErrorCode })
      }
    } catch (error) {
      throw isUnreachable(error)
        ? unreachable('STORE_UNAVAILABLE', 'EventBridge', error)
        : new BoxletError(
            'STORE_UNAVAILABLE',
            `Expected EventBridge to take the events but it said ${sdkFault(error).name}.`,
            { cause: error },
          )
    }
  }
}

const eventOf = ({ sk, eventKind, tenant, job, at, eventData }: Item): JobEvent => ({
  id: String(sk),
  kind: eventKind as EventKind,
  tenant: String(tenant),
  job: String(job),
  at: Number(at),
  data: JSON.parse(String(eventData)) as JobEvent['data'],
})
