import type { PostgresConnectionOptions, Queue, Worker, WorkerOptions } from 'bullmq'
import type { Pool } from 'pg'
import { connectionOptions, type PostgresAddress } from './address.ts'
import type { Database } from './database.ts'
import type { Driver } from './driver.ts'

/** Where the library keeps its tables unless it is told otherwise, and all it looks for in a pool of ours. */
const SCHEMA = 'bullmq'
/** Each queue that is read from holds one for itself; the rest are for questions. */
const CONNECTIONS = 6
const CONNECT_MS = 5_000

/** The connections that the queues of a store share, and the library's objects on them. */
export class QueueConnection {
  readonly database: Database
  readonly #driver: Driver
  readonly #pool: Pool
  /** Stores in other schemas of the same database have queues of their own. */
  readonly #prefix: string
  readonly #opened: { close(): Promise<void> }[] = []

  constructor(driver: Driver, { connection, options, schema }: PostgresAddress, database: Database) {
    this.database = database
    this.#driver = driver
    this.#prefix = schema
    this.#pool = new driver.pg.Pool({
      connectionString: connection,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      application_name: 'boxlet-queue',
      options: connectionOptions(options, SCHEMA),
    })
    this.#pool.on('error', () => {})
  }

  /** Makes the library's tables, or takes them on to its version; any number may begin at once. */
  async migrate(): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await this.#driver.bull.runMigrations(client, SCHEMA)
    } finally {
      client.release()
    }
  }

  queue<T>(name: string): Queue<T> {
    const { Queue: Type } = this.#bull()
    return this.#kept(new Type(this.#named(name), { connection: this.#connection })) as unknown as Queue<T>
  }

  worker<T>(name: string, options: Omit<WorkerOptions, 'connection'>): Worker<T> {
    const { Worker: Type } = this.#bull()
    const worker = new Type(this.#named(name), null, {
      ...options,
      connection: this.#connection,
      autorun: false,
      skipStalledCheck: true,
      skipLockRenewal: true,
    })
    return this.#kept(worker) as unknown as Worker<T>
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((each) => each.close().catch(() => {})))
    await this.#pool.end()
  }

  /** The library takes a pool too; its types say so without the class that the driver has. */
  get #connection(): PostgresConnectionOptions {
    return this.#pool as unknown as PostgresConnectionOptions
  }

  #bull() {
    const { withBackend, createPostgresBackend } = this.#driver.bull
    return withBackend(createPostgresBackend)
  }

  #named(name: string): string {
    return `${this.#prefix}.${name}`
  }

  /** Faults come to whoever asks; an emitter that nobody listens to would end the process. */
  #kept<T extends { close(): Promise<void>; on(event: 'error', listener: () => void): unknown }>(
    opened: T,
  ): T {
    opened.on('error', () => {})
    this.#opened.push(opened)
    return opened
  }
}
