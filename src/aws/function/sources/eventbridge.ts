import { isRecord } from '../../../system/record.ts'
import { picturesIn } from './notification.ts'
import { type EventSource, wholeAgain } from './source.ts'

/** A rule of EventBridge whose target is the function. */
export const eventBridge: EventSource = {
  is: (event) => isRecord(event) && event.source === 'aws.s3' && isRecord(event.detail),
  tasksOf: (event) => ({ tasks: picturesIn(event), unreadable: [] }),
  answer: wholeAgain,
}
