import { BoxletError, toBoxletError } from '../../../errors.ts'
import { isRecord } from '../../../system/record.ts'
import { type ReceivedMessage, showAgain } from '../../clients/sqs-visibility.ts'
import { parsed, picturesIn } from './notification.ts'
import { type EventSource, recordsOf, type TaskList } from './source.ts'

const SERVICE = 'aws:sqs'

/** A queue: each message that failed comes back alone, if the mapping reports single failures. */
export const sqs: EventSource = {
  is: (event) => recordsOf(event, SERVICE) !== undefined,
  tasksOf: (event) => {
    const list: TaskList = { tasks: [], unreadable: [] }
    for (const record of recordsOf(event, SERVICE)!) {
      const { messageId, body } = isRecord(record) ? record : {}
      if (typeof messageId !== 'string') {
        list.unreadable.push({ reason: noMessage() })
        continue
      }
      try {
        list.tasks.push(...picturesIn(parsed(String(body))).map((task) => ({ ...task, messageId })))
      } catch (error) {
        list.unreadable.push({ messageId, reason: toBoxletError(error) })
      }
    }
    return list
  },
  async soon(event, messageIds, signal) {
    const queues = new Map<string, ReceivedMessage[]>()
    for (const record of recordsOf(event, SERVICE)!) {
      const { messageId: id, receiptHandle: receipt, eventSourceARN: queue } = isRecord(record) ? record : {}
      if (typeof id !== 'string' || typeof receipt !== 'string' || typeof queue !== 'string') {
        continue
      }
      if (messageIds.has(id)) {
        queues.set(queue, [...(queues.get(queue) ?? []), { id, receipt }])
      }
    }
    await Promise.all([...queues].map(([queue, messages]) => showAgain(queue, messages, signal)))
  },
  answer: ({ again, failure }) => {
    if (failure !== undefined) {
      throw failure
    }
    return { batchItemFailures: again.map((itemIdentifier) => ({ itemIdentifier })) }
  },
}

/** Nothing could give it back alone, so the batch fails once its other messages are done. */
const noMessage = (): BoxletError =>
  new BoxletError('REQUEST_INVALID', 'Expected a message of SQS with its id but received another record.')
