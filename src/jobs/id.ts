import { randomBytes } from 'node:crypto'

/** Crockford's base 32: no letters that are taken for digits, and sorts as bytes do. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_DIGITS = 10
const RANDOM_DIGITS = 16

/**
 * A new id: ten digits of time (milliseconds) and 80 random bits, as a ULID has them. Ids sort by age, so that a
 * list by age needs no other column, and cannot be guessed.
 */
export function jobId(now: number): string {
  let random = ''
  for (const byte of randomBytes(RANDOM_DIGITS)) {
    random += DIGITS[byte & 31]
  }
  return timePrefix(now) + random
}

/** The least id of a moment: ids of jobs from then on sort after it. */
export function timePrefix(at: number): string {
  let rest = Math.max(0, Math.min(at, 2 ** 48))
  let text = ''
  for (let i = 0; i < TIME_DIGITS; i++) {
    text = DIGITS[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

export const isJobId = (text: string): boolean => /^[0-9a-hjkmnp-tv-z]{26}$/.test(text)
