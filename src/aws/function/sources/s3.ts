import { isRecord } from '../../../system/record.ts'
import { pictureInRecord } from './notification.ts'
import { type EventSource, recordsOf, wholeAgain } from './source.ts'

/** S3 that calls the function itself. A test event of a console may lack the name of the service. */
export const s3: EventSource = {
  is: (event) =>
    recordsOf(event, 'aws:s3') !== undefined ||
    (isRecord(event) && Array.isArray(event.Records) && event.Records.some((record) => isRecord(record?.s3))),
  tasksOf: (event) => ({
    tasks: (event as { Records: unknown[] }).Records.flatMap(pictureInRecord),
    unreadable: [],
  }),
  answer: wholeAgain,
}
