import { BoxletError } from '../errors.ts'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { JobHome, OwnBlobs } from '../jobs/home.ts'
import { parsePostgresAddress } from './address.ts'
import { Database } from './database.ts'
import { loadDriver } from './driver.ts'
import { PostgresEventBus } from './postgres-event-bus.ts'
import { postgresFault } from './postgres-fault.ts'
import { PostgresJobStore } from './postgres-job-store.ts'
import { PostgresQueue } from './postgres-queue.ts'
import { PostgresTransfer } from './postgres-transfer.ts'
import { QueueConnection } from './queue-connection.ts'
import { migrate } from './schema.ts'

/** Jobs in PostgreSQL, which any number of machines share. */
export interface PostgresHome extends JobHome {
  readonly database: Database
  readonly queues: QueueConnection
}

export interface PostgresHomeOptions {
  /** Where blobs are to lie. The first who opens the store has to say; it is kept there for all others. */
  blobs?: string
  openBlobs(where: string): OwnBlobs
}

/** A look costs the server a few statements; half a second more does not show in work that waits anyway. */
const IDLE_MS = 500

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE; USAGE for the address, or without blobs */
export async function openPostgresHome(store: string, options: PostgresHomeOptions): Promise<PostgresHome> {
  const address = parsePostgresAddress(store)
  const { schema, name } = address
  const driver = await loadDriver()
  const database = new Database(driver, address)
  const queues = new QueueConnection(driver, address, database)
  try {
    await migrate(database, schema)
    await queues.migrate()
    const blobs = options.openBlobs(await placeOfBlobs(database, options.blobs))
    const mostReceives = JOB_DEFAULTS.webhookTries + 1
    return {
      name,
      database,
      queues,
      store: new PostgresJobStore(database),
      transfer: new PostgresTransfer(database),
      pictures: new PostgresQueue(queues, { name: 'pictures' }),
      webhooks: new PostgresQueue(queues, { name: 'webhooks', mostReceives }),
      bus: new PostgresEventBus(database),
      blobs,
      seesFiles: false,
      idleMs: IDLE_MS,
      close: async () => {
        await queues.close()
        await database.close()
      },
    }
  } catch (error) {
    await queues.close()
    await database.close()
    throw postgresFault(error)
  }
}

/** One place for all machines: what one of them keeps, the others have to read. */
async function placeOfBlobs(database: Database, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    await database.run(
      "INSERT INTO settings (name, value) VALUES ('blobs', $1) ON CONFLICT DO NOTHING",
      given,
    )
  }
  const kept = (await database.get("SELECT value FROM settings WHERE name = 'blobs'"))?.value
  if (kept === undefined || kept === null) {
    throw new BoxletError(
      'USAGE',
      'Expected a place for the pictures of a new store in PostgreSQL but none is named.',
      {
        hint: 'Name it once with --store-blobs: s3://BUCKET/PREFIX, or a folder that all machines share.',
      },
    )
  }
  if (given !== undefined && given !== kept) {
    throw new BoxletError(
      'USAGE',
      `Expected "${kept}" for --store-blobs, as the store has it, but received another.`,
      {
        hint: 'Leave the option away: the store knows the place.',
      },
    )
  }
  return String(kept)
}
