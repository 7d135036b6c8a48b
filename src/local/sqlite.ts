/**
 * SQLite, and the one place that chooses it: Node's own where Node has it without a flag (22.13 and later), a package
 * with the same API and prebuilt binaries on Node 20. With Node 20 the second half of this file goes.
 */
import type * as Package from '@photostructure/sqlite'
import { BoxletError } from '../errors.ts'

/** What Boxlet uses of it. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): Row | undefined
  all(...values: SqlValue[]): Row[]
}

export type SqlValue = string | number | null
export type Row = Record<string, string | number | null>

type DatabaseSync = new (path: string, options?: { readOnly?: boolean; timeout?: number }) => Database

/** @throws BoxletError STORE_UNAVAILABLE where neither is there; the library's own errors otherwise */
export async function openDatabase(
  path: string,
  options: { readOnly?: boolean; timeout?: number },
): Promise<Database> {
  const { DatabaseSync } = builtin() ?? (await packaged())
  return new DatabaseSync(path, options)
}

/** Node 22 says of its SQLite that it is experimental; users of Boxlet cannot act on that. */
function builtin(): { DatabaseSync: DatabaseSync } | undefined {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule?.('node:sqlite' as 'node:fs') as unknown as
      | { DatabaseSync: DatabaseSync }
      | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

async function packaged(): Promise<{ DatabaseSync: DatabaseSync }> {
  try {
    return (await import('@photostructure/sqlite')) as unknown as typeof Package & {
      DatabaseSync: DatabaseSync
    }
  } catch (cause) {
    throw new BoxletError('STORE_UNAVAILABLE', 'Expected SQLite for the store but this Node has none.', {
      cause,
      hint: 'Use Node 22.13 or later, or install the dependencies of Boxlet again.',
    })
  }
}
