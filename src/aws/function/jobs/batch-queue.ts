import type { Message, Queue } from '../../../jobs/queue.ts'
import { isRecord } from '../../../system/record.ts'
import { BEFORE, leaseOf, type SqsQueue } from '../../jobs/sqs-queue.ts'

/** After a fault of the table, which others may have to mend first. */
const AFTER_FAULT_MS = 30_000

/**
 * Messages that Lambda has received: what is done it deletes when the function has answered, and what is named in the
 * answer comes again.
 */
export class BatchQueue implements Pick<Queue, 'done' | 'giveBack' | 'bury'> {
  readonly #queue: SqsQueue
  readonly #again = new Set<string>()

  constructor(queue: SqsQueue) {
    this.#queue = queue
  }

  async done(): Promise<void> {}

  async giveBack(message: Message, options: { delayMs: number; unused?: boolean }): Promise<void> {
    if (!options.unused) {
      this.#again.add(message.id)
    }
    await this.#queue.giveBack(message, options)
  }

  bury(message: Message, reason: string): Promise<void> {
    return this.#queue.bury(message, reason)
  }

  /** After a fault that left it unknown what became of the message: it comes again soon, or at the end of its lease. */
  async keep(message: Message): Promise<void> {
    await this.giveBack(message, { delayMs: AFTER_FAULT_MS }).catch(() => {})
  }

  get answer(): { batchItemFailures: { itemIdentifier: string }[] } {
    return { batchItemFailures: [...this.#again].map((itemIdentifier) => ({ itemIdentifier })) }
  }
}

/** The messages of an event of SQS. Its own visibility timeout is the lease, which is longer than any call. */
export function messagesOf(records: readonly unknown[]): Message[] {
  return records
    .filter(isRecord)
    .flatMap(({ messageId, receiptHandle, body, attributes, messageAttributes }) => {
      if (typeof messageId !== 'string' || typeof body !== 'string') {
        return []
      }
      const { ApproximateReceiveCount: count = 1 } = isRecord(attributes) ? attributes : {}
      const before = isRecord(messageAttributes) ? messageAttributes[BEFORE] : undefined
      const earlier = isRecord(before) ? Number(before.stringValue) : 0
      return [
        {
          id: messageId,
          body,
          receives: Number(count) + (Number.isFinite(earlier) ? earlier : 0),
          lease: leaseOf(String(receiptHandle), Number.MAX_SAFE_INTEGER),
        },
      ]
    })
}
