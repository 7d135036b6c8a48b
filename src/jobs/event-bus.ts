/** What happened to a job or a picture. */
export const EVENT_KINDS = ['picture.finished', 'picture.flagged', 'job.finished'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

export interface NewEvent {
  kind: EventKind
  tenant: string
  job: string
  /** JSON. */
  data: Readonly<Record<string, unknown>>
}

export interface JobEvent extends NewEvent {
  /** Grows with time, as text too. */
  id: string
  /** Milliseconds since 1970. */
  at: number
}

export interface EventQuery {
  /** Only those of one owner, and of one job. */
  tenant?: string
  job?: string
  /** After the event of this id; from the oldest that is kept otherwise. */
  after?: string
  limit: number
}

/** Events in order, at least once: who reads keeps the id of the last one and goes on after it. */
export interface EventBus {
  publish(events: readonly NewEvent[]): Promise<void>
  read(query: EventQuery): Promise<JobEvent[]>
  /** Id of the newest event, to begin after; undefined where there is none. */
  latest(): Promise<string | undefined>
}
