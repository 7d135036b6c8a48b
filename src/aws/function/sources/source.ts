import type { BoxletError } from '../../../errors.ts'
import type { BlobRef } from '../../../jobs/blob-store.ts'
import { isRecord } from '../../../system/record.ts'

/** One picture to detect. */
export interface Task {
  ref: BlobRef
  /** The message that asked for it, where a failure gives back that message alone. */
  messageId?: string
  /**
   * Order of the events of one key, hexadecimal: S3 promises no order, and the picture that was put last decides.
   * Source: Amazon S3 user guide, "Event message structure".
   */
  sequencer?: string
}

export interface TaskList {
  tasks: Task[]
  /** Messages that can never be read; they go back so that the queue's dead letters keep them. */
  unreadable: { messageId?: string; reason: BoxletError }[]
}

/** How a batch ended. */
export interface Outcome {
  /** Messages to try again. */
  again: readonly string[]
  /** A failure that no message stands for. */
  failure: BoxletError | undefined
}

/** A service whose events ask for pictures. `sources.ts` lists them all. */
export interface EventSource {
  /** Whether the event is one of this service. */
  is(event: unknown): boolean
  /** @throws BoxletError REQUEST_INVALID for an event of the service that names no picture */
  tasksOf(event: unknown): TaskList
  /** Asks for messages that were not tried to come again at once, where the service would let them wait. */
  soon?(event: unknown, messageIds: ReadonlySet<string>, signal: AbortSignal): Promise<void>
  /** What the function returns; where Lambda should send the whole event again, it throws. */
  answer(outcome: Outcome): unknown
}

/** Records of one service, whose name S3 and SQS write with a small letter and SNS with a capital one. */
export function recordsOf(event: unknown, service: string): unknown[] | undefined {
  if (!isRecord(event) || !Array.isArray(event.Records)) {
    return undefined
  }
  const { Records } = event
  const isOurs = Records.some(
    (record) => isRecord(record) && (record.eventSource ?? record.EventSource) === service,
  )
  return isOurs ? Records : undefined
}

/** For services that know no single messages: any failure brings the whole event again. */
export function wholeAgain({ failure }: Outcome): null {
  if (failure !== undefined) {
    throw failure
  }
  return null
}
