import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import { sdkFault } from '../clients/sdk.ts'

/**
 * Lines arrive out of order: each environment of a function delivers its own, some seconds late. So much is read
 * again in every round.
 */
const OVERLAP_MS = 60_000

export type GroupPage = (
  startTime: number,
  nextToken: string | undefined,
) => Promise<{ events?: FilteredLogEvent[] | undefined; nextToken?: string | undefined }>

/** One log group, read again and again without repeating an event. */
export class LogGroupReader {
  readonly #page: GroupPage
  readonly #fault: (cause: unknown) => Error
  readonly #seen = new Map<string, number>()
  #from: number

  constructor(page: GroupPage, since: number, fault: (cause: unknown) => Error) {
    this.#page = page
    this.#from = since
    this.#fault = fault
  }

  /** All pages of what there is now, but for what is remembered. */
  async *unseen(): AsyncGenerator<FilteredLogEvent, undefined> {
    const from = this.#from
    let nextToken: string | undefined
    do {
      const page = await this.#page(from, nextToken).catch((cause: unknown) => {
        // A function that was never called has no group yet where the group is not part of the stack.
        if (sdkFault(cause).name === 'ResourceNotFoundException') {
          return { events: [], nextToken: undefined }
        }
        throw this.#fault(cause)
      })
      for (const event of page.events ?? []) {
        if (event.eventId === undefined || !this.#seen.has(event.eventId)) {
          yield event
        }
      }
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    return undefined
  }

  remember({ eventId, timestamp = 0 }: FilteredLogEvent): void {
    if (eventId !== undefined) {
      this.#seen.set(eventId, timestamp)
    }
    // A clock that runs ahead must not hide the lines of the others.
    this.#from = Math.max(this.#from, Math.min(timestamp, Date.now()) - OVERLAP_MS)
    for (const [id, time] of this.#seen) {
      if (time >= this.#from) {
        break
      }
      this.#seen.delete(id)
    }
  }
}
