import type { Item } from './item.ts'
import { chunkOf, chunkPartition, countersPartition, failuresPartition, type Key } from './keys.ts'
import type { Table } from './table.ts'

const isJob = ({ pk }: Item): boolean => String(pk).startsWith('T#')

/**
 * Removes jobs whose time is over, and what hangs on them. DynamoDB does so by itself, within a few days and without a
 * price; this is for those who want it now, and reads the whole table.
 */
export async function pruneTable(table: Table, limit: number, now: number): Promise<number> {
  const over: Item[] = []
  const unused: Key[] = []
  for await (const item of table.scan()) {
    if (String(item.pk).startsWith('B#') && Number(item.expiresAt) <= now) {
      unused.push({ pk: String(item.pk), sk: String(item.sk) })
    }
    if (isJob(item) && Number(item.expiresAt) <= now) {
      over.push(item)
      if (over.length === limit) {
        break
      }
    }
  }
  await table.writeAll(unused.map((key) => ({ kind: 'delete', key })))
  for (const job of over) {
    const [tenant, id] = [String(job.tenant), String(job.sk)]
    const chunks = Array.from({ length: chunkOf(Number(job.pictureTotal)) + 1 }, (_, chunk) =>
      chunkPartition(tenant, id, chunk),
    )
    for (const pk of [...chunks, countersPartition(tenant, id), failuresPartition(tenant, id)]) {
      const keys: Key[] = []
      for await (const item of table.query({ pk })) {
        keys.push({ pk: String(item.pk), sk: String(item.sk) })
      }
      await table.writeAll(keys.map((key) => ({ kind: 'delete', key })))
    }
    // The job last, so that whoever is stopped in between is followed by another.
    await table.writeAll([{ kind: 'delete', key: { pk: String(job.pk), sk: String(job.sk) } }])
  }
  return over.length
}
