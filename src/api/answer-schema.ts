/** Answers of the service itself. */
import * as v from 'valibot'
import { fault } from '../formats/native-schema.ts'
import { described } from '../system/schema.ts'

export const errorAnswer = v.object({
  error: v.object({ ...fault.entries, requestId: described(v.string(), 'The same as in the log.') }),
})

export const status = v.object({ status: v.picklist(['ok', 'ready', 'not ready']) })
