import type { BoxletError } from '../errors.ts'

/**
 * How long to wait before the next try: twice as long each time, up to a limit, and by up to a quarter more at random,
 * so that what failed together does not come again together.
 *
 * @param tries that have been made, from 1
 */
export function backOff(tries: number, firstMs: number, mostMs: number): number {
  const wait = Math.min(mostMs, firstMs * 2 ** Math.min(tries - 1, 30))
  return Math.round(wait * (1 + Math.random() / 4))
}

/** Errors that another try may mend. A role that lacks a right may be given it while the queue waits. */
export const mayPass = (error: BoxletError): boolean =>
  error.kind === 'unavailable' || error.kind === 'internal' || error.code === 'FORBIDDEN'
