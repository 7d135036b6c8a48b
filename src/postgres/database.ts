import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { connectionOptions, type PostgresAddress } from './address.ts'
import type { Driver } from './driver.ts'
import { mayRepeat, postgresFault } from './postgres-fault.ts'

export type Value = string | number | boolean | null | readonly (string | number | null)[]
/** Whole numbers of 64 bits come as text; what is read out of them is below 2^53. */
export type Row = Record<string, string | number | null>

/** What asks the server: all connections, or the one of a transaction. */
export interface Asking {
  all(sql: string, ...values: Value[]): Promise<Row[]>
  get(sql: string, ...values: Value[]): Promise<Row | undefined>
  /** @returns rows that were changed */
  run(sql: string, ...values: Value[]): Promise<number>
}

/** A process asks a few things at once; each connection costs the server some megabytes. */
const CONNECTIONS = 4
/** A server that restarts is back within seconds, and callers come again. */
const CONNECT_MS = 5_000
/** Transactions that were stopped since they waited for each other. */
const TRIES = 5

/** The tables of a store in one schema of a database. */
export class Database implements Asking {
  readonly #pool: Pool

  constructor({ pg }: Driver, { connection, options, schema }: PostgresAddress) {
    this.#pool = new pg.Pool({
      connectionString: connection,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'boxlet',
      // `durably` is for what must survive a loss of power too.
      options: connectionOptions(options, schema),
    })
    // Idle connections break when the server restarts; the next question opens another.
    this.#pool.on('error', () => {})
  }

  all(sql: string, ...values: Value[]): Promise<Row[]> {
    return guarded(async () => (await this.#pool.query<QueryResultRow>(sql, plain(values))).rows as Row[])
  }

  async get(sql: string, ...values: Value[]): Promise<Row | undefined> {
    return (await this.all(sql, ...values))[0]
  }

  run(sql: string, ...values: Value[]): Promise<number> {
    return guarded(async () => (await this.#pool.query(sql, plain(values))).rowCount ?? 0)
  }

  /** All of it happens, or nothing. It may be run again from the start, so it must do nothing but ask. */
  transaction<T>(work: (asking: Asking) => Promise<T>): Promise<T> {
    return this.#transaction('BEGIN', work)
  }

  /** A transaction that a loss of power does not undo: it waits for the disk of the server. */
  durably<T>(work: (asking: Asking) => Promise<T>): Promise<T> {
    return this.#transaction('BEGIN; SET LOCAL synchronous_commit = on', work)
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  #transaction<T>(begin: string, work: (asking: Asking) => Promise<T>): Promise<T> {
    return guarded(async () => {
      for (let attempt = 1; ; attempt++) {
        const client = await this.#pool.connect()
        let broken: Error | undefined
        try {
          await client.query(begin)
          const result = await work(new Transaction(client))
          await client.query('COMMIT')
          return result
        } catch (error) {
          await client.query('ROLLBACK').catch((fault: Error) => {
            broken = fault
          })
          if (!mayRepeat(error) || attempt === TRIES) {
            throw error
          }
        } finally {
          client.release(broken)
        }
      }
    })
  }
}

class Transaction implements Asking {
  readonly #client: PoolClient

  constructor(client: PoolClient) {
    this.#client = client
  }

  async all(sql: string, ...values: Value[]): Promise<Row[]> {
    return (await this.#client.query<QueryResultRow>(sql, plain(values))).rows as Row[]
  }

  async get(sql: string, ...values: Value[]): Promise<Row | undefined> {
    return (await this.all(sql, ...values))[0]
  }

  async run(sql: string, ...values: Value[]): Promise<number> {
    return (await this.#client.query(sql, plain(values))).rowCount ?? 0
  }
}

const NO_TEXT = /[\0\p{Surrogate}]/gu

/** PostgreSQL keeps no zeros and no halves of signs in text: they are kept as the sign for what cannot be shown. */
export const text = (value: string): string => value.replace(NO_TEXT, '\ufffd')

const plain = (values: readonly Value[]): unknown[] =>
  values.map((value) =>
    typeof value === 'string'
      ? text(value)
      : Array.isArray(value)
        ? value.map((each: string | number | null) => (typeof each === 'string' ? text(each) : each))
        : value,
  )

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw postgresFault(error)
  }
}
