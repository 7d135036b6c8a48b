import { isRecord } from '../../../system/record.ts'
import { parsed, picturesIn, unknownForm } from './notification.ts'
import { type EventSource, recordsOf, wholeAgain } from './source.ts'

const SERVICE = 'aws:sns'

/** A topic that the function is subscribed to, such as one that S3 tells of new objects. */
export const sns: EventSource = {
  is: (event) => recordsOf(event, SERVICE) !== undefined,
  tasksOf: (event) => ({
    tasks: recordsOf(event, SERVICE)!.flatMap((record) => {
      const { Message } = isRecord(record) && isRecord(record.Sns) ? record.Sns : {}
      if (typeof Message !== 'string') {
        throw unknownForm()
      }
      return picturesIn(parsed(Message))
    }),
    unreadable: [],
  }),
  answer: wholeAgain,
}
