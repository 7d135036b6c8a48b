import type * as v from 'valibot'
import { BoxletError } from '../errors.ts'
import { received } from './received.ts'

const SCHEMAS: Record<string, string> = {
  array: 'a list',
  custom: 'a list',
  boolean: 'true or false',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text',
  integer: 'a whole number',
}

/** Says in one sentence which part of a JSON body has another form than the documented one. */
export function formFault(issue: v.BaseIssue<unknown>): BoxletError {
  const path = issue.path?.map(({ key }) => String(key)).join('.') || 'the request'
  return new BoxletError(
    'REQUEST_INVALID',
    issue.input === undefined
      ? `Expected a value for ${path} but received none.`
      : `Expected ${expectedBy(issue)} for ${path} but received ${given(issue)}.`,
  )
}

/** What would have been right, as a phrase: the message of the schema where it brings one. */
export function expectedBy({ type, requirement, expected, message }: v.BaseIssue<unknown>): string {
  if (isOwn(message)) {
    return message
  }
  if (type === 'min_value') {
    return `at least ${requirement}`
  }
  if (type === 'max_value') {
    return `at most ${requirement}`
  }
  if (type === 'gt_value') {
    return `more than ${requirement}`
  }
  if (type === 'min_length') {
    return `a length of at least ${requirement}`
  }
  if (type === 'max_length') {
    return `a length of at most ${requirement}`
  }
  return SCHEMAS[type] ?? expected ?? 'another value'
}

/** Those of valibot begin so. */
const isOwn = (message: string): boolean => !message.startsWith('Invalid ')

function given({ type, input, message }: v.BaseIssue<unknown>): string {
  return /_length$/.test(type) && !isOwn(message)
    ? String((input as { length: number }).length)
    : received(input)
}
