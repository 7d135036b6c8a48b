import { BoxletError, type ErrorCode } from '../errors.ts'

type Fault = [code: ErrorCode, is: string, hint: string]

const AWAY: Fault = ['STORE_UNAVAILABLE', 'does not answer', 'Check that the server runs and can be reached.']
const REFUSED: Fault = [
  'STORE_UNAVAILABLE',
  'refuses the user',
  'Check the user and the password; PGPASSWORD and a .pgpass file are read too.',
]
const FULL: Fault = ['STORE_UNAVAILABLE', 'is on a full disk', 'Make room on the disk of the server.']
const DAMAGED: Fault = ['STORE_CORRUPT', 'is damaged', 'See the log of the server.']

/** Classes and codes of SQLSTATE, the longer first. Source: PostgreSQL documentation, appendix A */
const STATES: readonly [prefix: string, fault: Fault][] = [
  ['3D000', ['STORE_UNAVAILABLE', 'is not there', 'Make the database with "createdb".']],
  ['42501', ['STORE_UNAVAILABLE', 'may not be used', 'Grant the user CREATE on the database.']],
  ['25006', ['STORE_UNAVAILABLE', 'is read-only', 'Name the primary server, not a replica.']],
  ['53100', FULL],
  ['53300', ['STORE_UNAVAILABLE', 'has no connection left', 'Raise max_connections of the server.']],
  ['55P03', ['STORE_UNAVAILABLE', 'is locked', 'Try again.']],
  ['28', REFUSED],
  ['08', AWAY],
  ['53', ['STORE_UNAVAILABLE', 'has no room left', 'See the log of the server.']],
  ['57', AWAY],
  ['58', ['STORE_UNAVAILABLE', 'cannot be read or written by the disk', 'See the log of the server.']],
  ['40', ['STORE_UNAVAILABLE', 'is busy', 'Try again.']],
  ['XX001', DAMAGED],
  ['XX002', DAMAGED],
]

const SYSTEM: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]

/** What the driver says without a code when a connection breaks off. */
const BROKEN =
  /connection terminated|timeout exceeded when trying to connect|client was closed|pool after calling end/i

/** Any error of the server or the way to it as one that says what is the matter. The server's own words may name data. */
export function postgresFault(error: unknown): BoxletError {
  if (error instanceof BoxletError) {
    return error
  }
  const { code, message } = error as { code?: unknown; message?: unknown }
  const state = typeof code === 'string' ? code : ''
  const isAway = SYSTEM.includes(state) || (state === '' && BROKEN.test(String(message)))
  const [name, is, hint] = isAway
    ? AWAY
    : (STATES.find(([prefix]) => state.startsWith(prefix))?.[1] ?? [undefined, '', ''])
  if (name === undefined) {
    return new BoxletError('INTERNAL', 'Expected the store to answer but an unforeseen fault stopped it.', {
      cause: error,
    })
  }
  return new BoxletError(name, `Expected to use the store in PostgreSQL but it ${is}.`, {
    cause: error,
    hint,
  })
}

/** Two transactions that waited for each other: the one that was stopped may simply come again. */
export const mayRepeat = (error: unknown): boolean => {
  const { code } = error as { code?: unknown }
  return code === '40P01' || code === '40001'
}
