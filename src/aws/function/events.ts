/** Objects and messages that Lambda hands over in batches, reduced to what there is to do. */

import { BoxletError } from '../../errors.ts'
import type { BlobRef } from '../../jobs/blob-store.ts'
import { isRecord } from '../../system/record.ts'

interface S3Record {
  eventSource: 'aws:s3'
  eventName?: string
  s3: { bucket: { name: string }; object: { key: string; versionId?: string } }
}

interface SqsRecord {
  eventSource: 'aws:sqs'
  messageId: string
  body: string
}

export type RecordsEvent = { Records: (S3Record | SqsRecord)[] }

/** One picture to detect, and the message to give back when it has to come again. */
export interface Task {
  ref: BlobRef
  messageId?: string
}

export const isRecords = (event: unknown): event is RecordsEvent =>
  isRecord(event) && Array.isArray(event.Records) && event.Records.length > 0

/** EventBridge's form of an S3 notification. */
export const isBridgeEvent = (event: unknown): boolean =>
  isRecord(event) && event.source === 'aws.s3' && isRecord(event.detail)

export interface TaskList {
  tasks: Task[]
  /** Messages that can never be read; they go back so that the queue's dead letters keep them. */
  unreadable: { messageId: string; reason: BoxletError }[]
}

export function tasksOf(event: unknown): TaskList {
  const list: TaskList = { tasks: [], unreadable: [] }
  if (!isRecords(event)) {
    list.tasks.push(...refsOf(event).map((ref) => ({ ref })))
    return list
  }
  for (const record of event.Records) {
    if (record.eventSource !== 'aws:sqs') {
      list.tasks.push(...refsOf({ Records: [record] }).map((ref) => ({ ref })))
      continue
    }
    const { messageId } = record
    try {
      const refs = refsOf(JSON.parse(record.body))
      list.tasks.push(...refs.map((ref) => ({ ref, messageId })))
    } catch (error) {
      const reason =
        error instanceof BoxletError
          ? error
          : new BoxletError('REQUEST_INVALID', 'Expected JSON in the message but received other text.', {
              cause: error,
            })
      list.unreadable.push({ messageId, reason })
    }
  }
  return list
}

/** S3 notification, EventBridge event, SNS envelope, or a plain `{ "s3": { bucket, key } }`. */
function refsOf(message: unknown): BlobRef[] {
  if (!isRecord(message)) {
    throw unknownForm()
  }
  // S3 sends this once, when a notification is set up.
  if (message.Event === 's3:TestEvent') {
    return []
  }
  if (typeof message.Message === 'string' && message.TopicArn !== undefined) {
    return refsOf(JSON.parse(message.Message))
  }
  if (isBridgeEvent(message)) {
    const { bucket, object } = message.detail as {
      bucket?: { name?: unknown }
      object?: Record<string, unknown>
    }
    return [checked(bucket?.name, object?.key, object?.['version-id'])]
  }
  if (Array.isArray(message.Records)) {
    return (message.Records as S3Record[])
      .filter(({ eventName }) => eventName === undefined || eventName.includes('ObjectCreated'))
      .map(({ s3 }) => checked(s3?.bucket?.name, decodeKey(s3?.object?.key), s3?.object?.versionId))
  }
  if (isRecord(message.s3)) {
    return [checked(message.s3.bucket, message.s3.key, message.s3.version)]
  }
  throw unknownForm()
}

/** Notifications encode keys as forms do, with a plus for a blank. */
function decodeKey(key: unknown): unknown {
  if (typeof key !== 'string') {
    return key
  }
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    throw unknownForm()
  }
}

function checked(bucket: unknown, key: unknown, version: unknown): BlobRef {
  if (typeof bucket !== 'string' || typeof key !== 'string' || bucket === '' || key === '') {
    throw unknownForm()
  }
  return { bucket, key, ...(typeof version === 'string' ? { version } : {}) }
}

const unknownForm = (): BoxletError =>
  new BoxletError(
    'REQUEST_INVALID',
    'Expected an S3 event or {"s3": {"bucket", "key"}} but received another form.',
  )
