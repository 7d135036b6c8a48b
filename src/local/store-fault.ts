import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { BoxletError, type ErrorCode } from '../errors.ts'

/** What SQLite's result codes mean for whoever has the store. Source: sqlite.org/rescode.html */
const RESULTS: Record<number, [code: ErrorCode, is: string, hint: string]> = {
  3: ['STORE_UNAVAILABLE', 'may not be opened', 'Check who owns the folder.'],
  5: [
    'STORE_UNAVAILABLE',
    'is locked by another process',
    'Try again; if it stays so, find the process that holds it.',
  ],
  6: ['STORE_UNAVAILABLE', 'is locked', 'Try again.'],
  8: [
    'STORE_UNAVAILABLE',
    'is on a read-only disk',
    'Check the permissions of the folder and how its disk is mounted.',
  ],
  10: ['STORE_UNAVAILABLE', 'cannot be read or written by the disk', 'Check the disk.'],
  11: [
    'STORE_CORRUPT',
    'is damaged',
    'It was left as it is. Restore a backup into another folder, or recover the file with the tools of SQLite.',
  ],
  13: ['STORE_UNAVAILABLE', 'is on a full disk', 'Make room, or run "boxlet jobs prune".'],
  14: [
    'STORE_UNAVAILABLE',
    'cannot be opened',
    'Check the permissions of the folder and how its disk is mounted.',
  ],
  26: ['STORE_CORRUPT', 'is damaged, or no store at all', 'It was left as it is. Name another folder.'],
}

/** Errors of queries come without a code from the package that serves Node 20. Source: sqlite3_errstr. */
const MESSAGES: readonly [RegExp, number][] = [
  [/disk image is malformed/, 11],
  [/database is locked/, 5],
  [/table is locked/, 6],
  [/readonly database/, 8],
  [/disk I\/O error/, 10],
  [/disk is full/, 13],
  [/unable to open database/, 14],
  [/is not a database/, 26],
]

/** The system's own words for the same. */
const SYSTEM: Record<string, number> = {
  EACCES: 3,
  EPERM: 3,
  EROFS: 8,
  ENOSPC: 13,
  EDQUOT: 13,
  EIO: 10,
  ENOTDIR: 14,
  ENOENT: 14,
}

/** Codes behind which a disk that is full or read-only may be, when a store is opened. */
const UNSURE: readonly unknown[] = [10, 14]
/** Less than the least that SQLite asks for when it opens a store. */
const NO_ROOM_BYTES = 64 * 1024

/** What the disk says of itself where SQLite only says that it could not. */
export async function faultOfDisk(error: unknown, folder: string): Promise<unknown> {
  const { errcode } = error as { errcode?: unknown }
  if (typeof errcode !== 'number' || !UNSURE.includes(errcode & 0xff)) {
    return error
  }
  const refusal = await access(folder, constants.W_OK).catch((fault: NodeJS.ErrnoException) => fault)
  if (refusal?.code === 'EROFS') {
    return refusal
  }
  const disk = await statfs(folder).catch(() => undefined)
  return disk !== undefined && disk.bavail * disk.bsize < NO_ROOM_BYTES
    ? Object.assign(new Error('full', { cause: error }), { code: 'ENOSPC' })
    : error
}

/**
 * Any error of the store as one that says what is the matter with it.
 *
 * @param folder named only where the reader has named it
 */
export function storeFault(error: unknown, folder?: string): BoxletError {
  if (error instanceof BoxletError) {
    return error
  }
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  const number =
    typeof errcode === 'number'
      ? errcode & 0xff
      : ((typeof code === 'string' ? SYSTEM[code] : undefined) ??
        MESSAGES.find(([message]) => message.test(String((error as Error).message)))?.[1])
  const known = number === undefined ? undefined : RESULTS[number]
  if (known === undefined) {
    return new BoxletError('INTERNAL', 'Expected the store to answer but an unforeseen fault stopped it.', {
      cause: error,
    })
  }
  const [name, is, hint] = known
  const where = folder === undefined ? 'the store' : `the store in "${folder}"`
  return new BoxletError(name, `Expected to use ${where} but it ${is}.`, { cause: error, hint })
}
