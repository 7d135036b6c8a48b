import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { makeFolder } from '../system/make-folder.ts'
import { APPLICATION_ID, migrate, SCHEMA_VERSION } from './schema.ts'
import { type Database, openDatabase, type Row, type SqlValue, type Statement } from './sqlite.ts'
import { faultOfDisk, storeFault } from './store-fault.ts'

/** Name of the database in the folder of a store. */
export const STORE_FILE = 'jobs.sqlite'
/** Rights of the folder of a store: everything in it is somebody's pictures. */
export const PRIVATE = 0o700
/** Writers wait this long for another process, whose transactions take milliseconds. */
const BUSY_MS = 5_000

/** The database of a store: statements prepared once, transactions, and faults told in Boxlet's own words. */
export class StoreFile {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()
  #depth = 0
  #closed = false

  private constructor(database: Database) {
    this.#database = database
  }

  /**
   * Opens the store in a folder, and makes one where there is none.
   *
   * @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE; the store is then left as it was
   */
  static async open(folder: string): Promise<StoreFile> {
    const path = join(folder, STORE_FILE)
    try {
      await makeFolder(folder, PRIVATE)
      const exists = await stat(path).then(
        ({ size }) => size > 0,
        () => false,
      )
      if (exists) {
        await check(path, folder)
      }
      const database = await openDatabase(path, { timeout: BUSY_MS })
      try {
        await chmod(path, 0o600)
        database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
        database.exec('PRAGMA journal_mode = WAL')
        database.exec('PRAGMA synchronous = FULL')
        migrate(database)
        // A commit then survives the end of the process but not the loss of power; `durably` is for what must.
        database.exec('PRAGMA synchronous = NORMAL')
        database.exec('PRAGMA temp_store = MEMORY')
      } catch (error) {
        database.close()
        throw error
      }
      return new StoreFile(database)
    } catch (error) {
      throw storeFault(await faultOfDisk(error, folder), folder)
    }
  }

  run(sql: string, ...values: SqlValue[]): { changes: number; id: number } {
    return this.#guarded(() => {
      const { changes, lastInsertRowid } = this.#prepare(sql).run(...values)
      return { changes: Number(changes), id: Number(lastInsertRowid) }
    })
  }

  get(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...values))
  }

  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...values))
  }

  /** All of it happens, or nothing. Inside another transaction it is a part of that one. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) {
      return work()
    }
    return this.#guarded(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      this.#depth++
      try {
        const result = work()
        this.#database.exec('COMMIT')
        return result
      } catch (error) {
        // A full disk ends the transaction by itself.
        try {
          this.#database.exec('ROLLBACK')
        } catch {}
        throw error
      } finally {
        this.#depth--
      }
    })
  }

  /** A transaction that a loss of power does not undo: it waits for the disk. */
  durably<T>(work: () => T): T {
    this.#guarded(() => this.#database.exec('PRAGMA synchronous = FULL'))
    try {
      return this.transaction(work)
    } finally {
      this.#guarded(() => this.#database.exec('PRAGMA synchronous = NORMAL'))
    }
  }

  /** A copy of the database as it is now, while others go on writing. */
  copyTo(path: string): void {
    this.#guarded(() => this.#database.prepare('VACUUM INTO ?').run(path))
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true
      this.#statements.clear()
      try {
        // The file alone then holds all, for whoever copies it; the last connection to close need not be this one.
        this.#database.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)')
      } catch {}
      this.#database.close()
    }
  }

  #prepare(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) {
      return known
    }
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #guarded<T>(work: () => T): T {
    if (this.#closed) {
      throw new BoxletError('STORE_UNAVAILABLE', 'Expected an open store but it is closed.')
    }
    try {
      return work()
    } catch (error) {
      throw storeFault(error)
    }
  }
}

/** Reads, without writing anything, whether this is a store that this program may open. */
async function check(path: string, folder: string): Promise<void> {
  const database = await openDatabase(path, { readOnly: true, timeout: BUSY_MS })
  try {
    const id = Number(database.prepare('PRAGMA application_id').get()?.application_id)
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    const tables = Number(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables)
    if (id !== APPLICATION_ID && tables > 0) {
      throw new BoxletError(
        'STORE_CORRUPT',
        `Expected a store of jobs in "${folder}" but ${STORE_FILE} there is a database of another program.`,
        { hint: 'Name another folder with --store.' },
      )
    }
    if (version > SCHEMA_VERSION) {
      throw new BoxletError(
        'STORE_VERSION',
        `Expected a store of version ${SCHEMA_VERSION} or older in "${folder}" but it has version ${version}.`,
        { hint: 'A newer Boxlet made it: use that one. The store was left as it is.' },
      )
    }
  } finally {
    database.close()
  }
}
