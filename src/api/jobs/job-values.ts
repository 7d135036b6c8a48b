import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { JOB_STATES, type JobState, type WebhookTarget } from '../../jobs/job.ts'
import { received } from '../received.ts'

/** Reads values of jobs out of a query, a form or JSON. Each throws BoxletError REQUEST_INVALID. */

const wrong = (expected: string, name: string, value: unknown): BoxletError =>
  new BoxletError('REQUEST_INVALID', `Expected ${expected} for ${name} but received ${received(value)}.`)

const MOST_KEY = 255
const MOST_BATCH = 200
const SECONDS_MS = 1000
const FORMATS = ['jpeg', 'png', 'webp'] as const

export function readBatch(value: unknown): string | undefined {
  if (value === undefined) {
    return undefined
  }
  if (typeof value !== 'string' || value === '' || value.length > MOST_BATCH) {
    throw wrong(`text of 1 to ${MOST_BATCH} characters`, 'batch', value)
  }
  return value
}

/** Seconds, as number or text. */
export function readTtl(value: unknown): number | undefined {
  if (value === undefined) {
    return undefined
  }
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  const most = JOB_DEFAULTS.mostTtlMs / SECONDS_MS
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1 || seconds > most) {
    throw wrong(`whole seconds from 1 to ${most}`, 'ttl', value)
  }
  return seconds * SECONDS_MS
}

export function readAnnotate(value: unknown): (typeof FORMATS)[number] | undefined {
  if (value === undefined || value === false || value === 'false') {
    return undefined
  }
  if (value === true || value === 'true') {
    return 'jpeg'
  }
  const format = FORMATS.find((name) => name === value)
  if (format === undefined) {
    throw wrong(`one of ${FORMATS.join(', ')}`, 'annotate', value)
  }
  return format
}

/** An address, or one with the key of its signature. */
export function readWebhook(value: unknown, check: (url: string) => void): WebhookTarget | undefined {
  if (value === undefined) {
    return undefined
  }
  const { url, secret, ...rest } =
    typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : { url: value, secret: undefined }
  const isSecret = secret === undefined || (typeof secret === 'string' && secret.length >= 16)
  if (typeof url !== 'string' || !isSecret || Object.keys(rest).length > 0) {
    throw wrong('an address, or {"url", "secret"} with a secret of at least 16 characters', 'webhook', value)
  }
  check(url)
  return { url, ...(typeof secret === 'string' && { secret }) }
}

export function readKey(value: string | undefined): string | undefined {
  if (value !== undefined && !/^[\x21-\x7e]{1,255}$/.test(value)) {
    throw wrong(`1 to ${MOST_KEY} visible ASCII characters`, 'Idempotency-Key', value)
  }
  return value
}

export function readStates(value: string | undefined): JobState[] | undefined {
  if (value === undefined) {
    return undefined
  }
  return value.split(',').map((text) => {
    const state = JOB_STATES.find((name) => name === text.trim())
    if (state === undefined) {
      throw wrong(`some of ${JOB_STATES.join(', ')}`, 'state', text)
    }
    return state
  })
}

export function readLimit(value: string | undefined): number {
  if (value === undefined) {
    return JOB_DEFAULTS.pageSize
  }
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (limit < 1 || limit > JOB_DEFAULTS.mostPageSize) {
    throw wrong(`a whole number from 1 to ${JOB_DEFAULTS.mostPageSize}`, 'limit', value)
  }
  return limit
}

/** A date or a moment, as ISO 8601 has them; a date is its beginning in UTC. */
export function readTime(name: string, value: string | undefined): number | undefined {
  if (value === undefined) {
    return undefined
  }
  const isMoment = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(
    value,
  )
  const at = isMoment ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) {
    throw wrong('a date such as 2026-11-01 or 2026-11-01T08:00:00Z', name, value)
  }
  return at
}

export function readSeconds(name: string, value: string | undefined, most: number): number {
  if (value === undefined) {
    return 0
  }
  const seconds = /^\d{1,4}(?:\.\d{1,3})?$/.test(value) ? Number(value) : -1
  if (seconds < 0) {
    throw wrong(`seconds from 0 to ${most / SECONDS_MS}`, name, value)
  }
  return Math.min(most, seconds * SECONDS_MS)
}

/** Names that a query may hold; another one is a misspelt filter, which would find too much in silence. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected a documented parameter but received ${received(name)}.`,
        {
          hint: `Parameters are ${known.join(', ')}.`,
        },
      )
    }
  }
}
