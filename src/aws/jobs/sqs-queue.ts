import type { Message as SqsMessage } from '@aws-sdk/client-sqs'
import { BoxletError } from '../../errors.ts'
import type { Page } from '../../jobs/job-store.ts'
import type { DeadLetter, Message, NewMessage, Queue, QueueSize } from '../../jobs/queue.ts'
import type { DeadLetters } from './dead-letters.ts'
import { type Sqs, sqs } from './sqs-client.ts'

/** What SQS takes in one call, and the longest that it delays a message. */
export const SEND_AT_ONCE = 10
const MOST_DELAY_SECONDS = 900
const MOST_LEASE_SECONDS = 43_200
/** Receives before the message was sent anew, since SQS would count one that was not used. */
export const BEFORE = 'receivesBefore'
/** Calls under way at once. */
const PARALLEL = 8

export interface SqsQueueOptions {
  sqs: Sqs
  url: string
  /** Where SQS lays what was received too often. */
  deadUrl: string
  dead: DeadLetters
  now?: () => number
}

/**
 * A standard queue of SQS. A group is a message group, which SQS serves fairly.
 *
 * A lease is a receipt and the time at which it ends: SQS takes a receipt that is late as long as nobody else has
 * received the message, so that its holder has to look at the clock itself.
 */
export class SqsQueue implements Queue {
  readonly #options: SqsQueueOptions
  readonly #now: () => number

  constructor(options: SqsQueueOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async send(messages: readonly NewMessage[]): Promise<void> {
    const parts: NewMessage[][] = []
    for (let start = 0; start < messages.length; start += SEND_AT_ONCE) {
      parts.push(messages.slice(start, start + SEND_AT_ONCE))
    }
    for (let start = 0; start < parts.length; start += PARALLEL) {
      await Promise.all(parts.slice(start, start + PARALLEL).map((part) => this.#sendSome(part)))
    }
  }

  async #sendSome(messages: readonly (NewMessage & { before?: number })[]): Promise<void> {
    const { SendMessageBatchCommand } = sqs()
    const Entries = messages.map(({ body, group, delayMs = 0, before }, index) => ({
      Id: String(index),
      MessageBody: body,
      DelaySeconds: Math.min(MOST_DELAY_SECONDS, Math.ceil(delayMs / 1000)),
      ...(group !== undefined && { MessageGroupId: groupName(group) }),
      ...(before !== undefined && {
        MessageAttributes: { [BEFORE]: { DataType: 'Number', StringValue: String(before) } },
      }),
    }))
    const { Failed = [] } = await this.#options.sqs.send((client) =>
      client.send(new SendMessageBatchCommand({ QueueUrl: this.#options.url, Entries })),
    )
    if (Failed.length > 0) {
      throw new BoxletError(
        'STORE_UNAVAILABLE',
        `Expected SQS to take the messages but it said ${Failed[0]!.Code}.`,
      )
    }
  }

  async receive({ max, leaseMs }: { max: number; leaseMs: number }): Promise<Message[]> {
    const messages: Message[] = []
    while (messages.length < max) {
      const some = await this.#receive(this.#options.url, max - messages.length, leaseMs)
      messages.push(...some.map((message) => this.#leased(message, leaseMs)))
      if (some.length === 0) {
        break
      }
    }
    return messages
  }

  async #receive(url: string, max: number, leaseMs: number): Promise<SqsMessage[]> {
    const { ReceiveMessageCommand } = sqs()
    const { Messages = [] } = await this.#options.sqs.send((client) =>
      client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: Math.min(SEND_AT_ONCE, max),
          VisibilityTimeout: seconds(leaseMs),
          MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          MessageAttributeNames: [BEFORE],
        }),
      ),
    )
    return Messages
  }

  #leased(message: SqsMessage, leaseMs: number): Message {
    return {
      id: message.MessageId!,
      body: message.Body!,
      receives: receivesOf(message),
      lease: leaseOf(message.ReceiptHandle!, this.#now() + 1000 * seconds(leaseMs)),
    }
  }

  async extend(messages: readonly Message[], leaseMs: number): Promise<Message[]> {
    const lost: Message[] = []
    for (const message of messages) {
      if (this.#isLate(message) || !(await this.#show(message, seconds(leaseMs)))) {
        lost.push(message)
      } else {
        message.lease = leaseOf(receiptOf(message), this.#now() + 1000 * seconds(leaseMs))
      }
    }
    return lost
  }

  async done(messages: readonly Message[]): Promise<void> {
    await Promise.all(
      messages.filter((message) => !this.#isLate(message)).map((message) => this.#delete(receiptOf(message))),
    )
  }

  async giveBack(
    message: Message,
    { delayMs, unused }: { delayMs: number; unused?: boolean },
  ): Promise<void> {
    if (this.#isLate(message)) {
      return
    }
    if (!unused) {
      await this.#show(message, Math.ceil(delayMs / 1000))
      return
    }
    await this.#sendSome([{ body: message.body, delayMs, before: message.receives - 1 }])
    await this.#delete(receiptOf(message))
  }

  async bury(message: Message, reason: string): Promise<void> {
    if (!this.#isLate(message)) {
      await this.#options.dead.add(
        message.id,
        { body: message.body, receives: message.receives, reason },
        true,
      )
      await this.#delete(receiptOf(message))
    }
  }

  async deadLetters({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<DeadLetter>> {
    await this.#collect()
    return this.#options.dead.list(limit, cursor)
  }

  async unnoted(limit: number): Promise<DeadLetter[]> {
    await this.#collect()
    return this.#options.dead.unnoted(limit)
  }

  noted(ids: readonly string[]): Promise<void> {
    return this.#options.dead.note(ids)
  }

  dropDead(id: string): Promise<boolean> {
    return this.#options.dead.drop(id)
  }

  async size(): Promise<QueueSize> {
    const { GetQueueAttributesCommand } = sqs()
    const { Attributes = {} } = await this.#options.sqs.send((client) =>
      client.send(new GetQueueAttributesCommand({ QueueUrl: this.#options.url, AttributeNames: ['All'] })),
    )
    const count = (name: '' | 'NotVisible' | 'Delayed'): number =>
      Number(Attributes[`ApproximateNumberOfMessages${name}`] ?? 0)
    await this.#collect()
    return {
      ready: count(''),
      waiting: count('NotVisible') + count('Delayed'),
      dead: await this.#options.dead.count(),
    }
  }

  close(): void {
    this.#options.sqs.close()
  }

  /** Into the table, so that they can be listed; those that SQS laid aside are of workers that did not survive them. */
  async #collect(): Promise<void> {
    const { deadUrl, dead, sqs: client } = this.#options
    for (;;) {
      const messages = await this.#receive(deadUrl, SEND_AT_ONCE, 30_000)
      for (const message of messages) {
        const reason = 'received too often'
        // SQS counts the receive for the dead letters too.
        const receives = receivesOf(message) - 1
        await dead.add(message.MessageId!, { body: message.Body!, receives, reason }, false)
        const { DeleteMessageCommand } = sqs()
        await client.send((each) =>
          each.send(new DeleteMessageCommand({ QueueUrl: deadUrl, ReceiptHandle: message.ReceiptHandle! })),
        )
      }
      if (messages.length === 0) {
        return
      }
    }
  }

  #isLate({ lease }: Message): boolean {
    return this.#now() >= Number(lease.slice(0, lease.indexOf(' ')))
  }

  async #show(message: Message, after: number): Promise<boolean> {
    const { ChangeMessageVisibilityCommand } = sqs()
    try {
      await this.#options.sqs.send((client) =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: this.#options.url,
            ReceiptHandle: receiptOf(message),
            VisibilityTimeout: Math.min(MOST_LEASE_SECONDS, after),
          }),
        ),
      )
      return true
    } catch (error) {
      if (isGone(error)) {
        return false
      }
      throw error
    }
  }

  async #delete(receipt: string): Promise<void> {
    const { DeleteMessageCommand } = sqs()
    try {
      await this.#options.sqs.send((client) =>
        client.send(new DeleteMessageCommand({ QueueUrl: this.#options.url, ReceiptHandle: receipt })),
      )
    } catch (error) {
      if (!isGone(error)) {
        throw error
      }
    }
  }
}

const seconds = (ms: number): number => Math.max(1, Math.min(MOST_LEASE_SECONDS, Math.ceil(ms / 1000)))

export const leaseOf = (receipt: string, until: number): string => `${until} ${receipt}`
const receiptOf = ({ lease }: Message): string => lease.slice(lease.indexOf(' ') + 1)

function receivesOf({ Attributes, MessageAttributes }: SqsMessage): number {
  return (
    Number(Attributes?.ApproximateReceiveCount ?? 1) + Number(MessageAttributes?.[BEFORE]?.StringValue ?? 0)
  )
}

/** SQS takes letters, digits and punctuation, 128 of them. */
const groupName = (group: string): string => encodeURIComponent(group).slice(0, 128)

const GONE = ['MessageNotInflight', 'ReceiptHandleIsInvalid', 'InvalidParameterValue']
const isGone = (error: unknown): boolean => {
  const { name = '' } = ((error as Error).cause ?? {}) as { name?: string }
  return GONE.some((one) => name.includes(one))
}
