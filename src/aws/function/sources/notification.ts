/** What a message says of pictures in S3, whichever service brought it. */

import { BoxletError } from '../../../errors.ts'
import { defined } from '../../../system/defined.ts'
import { isRecord } from '../../../system/record.ts'
import type { Task } from './source.ts'

/** Envelopes around one notification: S3 → SNS → SQS has one, topics behind topics have more. */
const MAX_ENVELOPES = 4

/**
 * S3 notification, EventBridge event, SNS envelope, or a plain `{ "s3": { bucket, key, version? } }`.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function picturesIn(message: unknown, envelopes = 0): Task[] {
  if (!isRecord(message) || envelopes > MAX_ENVELOPES) {
    throw unknownForm()
  }
  // S3 sends this once, when a notification is set up.
  if (message.Event === 's3:TestEvent') {
    return []
  }
  if (typeof message.Message === 'string' && message.TopicArn !== undefined) {
    return picturesIn(parsed(message.Message), envelopes + 1)
  }
  if (message.source === 'aws.s3' && isRecord(message.detail)) {
    const { bucket, object } = message.detail
    const { name } = isRecord(bucket) ? bucket : {}
    const { key, sequencer, 'version-id': version } = isRecord(object) ? object : {}
    return arrived(name, key, version, sequencer)
  }
  if (Array.isArray(message.Records)) {
    return message.Records.flatMap(pictureInRecord)
  }
  if (isRecord(message.s3)) {
    return [task(message.s3.bucket, message.s3.key, message.s3.version, undefined)]
  }
  throw unknownForm()
}

/** A record of an S3 notification. */
export function pictureInRecord(record: unknown): Task[] {
  if (!isRecord(record)) {
    throw unknownForm()
  }
  const { eventName, s3 } = record
  if (typeof eventName === 'string' && !eventName.includes('ObjectCreated')) {
    return []
  }
  const { bucket, object } = isRecord(s3) ? s3 : {}
  const { name } = isRecord(bucket) ? bucket : {}
  const { key, sequencer, versionId } = isRecord(object) ? object : {}
  return arrived(name, decodeKey(key), versionId, sequencer)
}

/** @throws BoxletError REQUEST_INVALID */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BoxletError('REQUEST_INVALID', 'Expected JSON in the message but received other text.', {
      cause,
    })
  }
}

/** A key that ends in a slash is how consoles and tools mark a folder, and no picture. */
function arrived(bucket: unknown, key: unknown, version: unknown, sequencer: unknown): Task[] {
  const picture = task(bucket, key, version, sequencer)
  return picture.ref.key.endsWith('/') ? [] : [picture]
}

function task(bucket: unknown, key: unknown, version: unknown, sequencer: unknown): Task {
  if (typeof bucket !== 'string' || typeof key !== 'string' || bucket === '' || key === '') {
    throw unknownForm()
  }
  return {
    ref: { bucket, key, ...(typeof version === 'string' ? { version } : {}) },
    ...defined({ sequencer: typeof sequencer === 'string' ? sequencer : undefined }),
  }
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

export const unknownForm = (): BoxletError =>
  new BoxletError(
    'REQUEST_INVALID',
    'Expected an S3 event or {"s3": {"bucket", "key"}} but received another form.',
  )
