import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe } from 'vitest'
import { SqliteEventBus } from '../../src/local/sqlite-event-bus.ts'
import { SqliteJobStore } from '../../src/local/sqlite-job-store.ts'
import { SqliteQueue } from '../../src/local/sqlite-queue.ts'
import { StoreFile } from '../../src/local/store-file.ts'
import { eventBusContract } from './event-bus-contract.ts'
import { jobStoreContract } from './job-store-contract.ts'
import { queueContract } from './queue-contract.ts'

const UNIT_MS = 40

describe('the ports in SQLite', () => {
  const opened: { file: StoreFile; folder: string }[] = []
  const open = async (): Promise<StoreFile> => {
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-store-'))
    const file = await StoreFile.open(folder)
    opened.push({ file, folder })
    return file
  }
  afterEach(async () => {
    for (const { file, folder } of opened.splice(0)) {
      file.close()
      await rm(folder, { recursive: true })
    }
  })

  describe('queue', () => {
    queueContract(
      async () => ({
        queue: new SqliteQueue(await open(), { name: 'q', mostReceives: 3 }),
        mostReceives: 3,
      }),
      UNIT_MS,
    )
  })
  describe('event bus', () => eventBusContract(async () => new SqliteEventBus(await open())))
  describe('job store', () => jobStoreContract(async () => new SqliteJobStore(await open())))
})
