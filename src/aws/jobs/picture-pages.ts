import type { JobPicture, JobState } from '../../jobs/job.ts'
import type { Page, PictureQuery } from '../../jobs/job-store.ts'
import type { Item } from './item.ts'
import { chunkOf, chunkPartition, failureKey, failuresPartition, pictureKey } from './keys.ts'
import type { PictureItems } from './picture-items.ts'
import type { Table } from './table.ts'

/** The pictures of a job by number; those that failed alone are found without a look at the others. */
export async function picturesOf(
  table: Table,
  pictures: PictureItems,
  job: Item,
  { states, limit, cursor }: PictureQuery,
): Promise<Page<JobPicture>> {
  const after = cursor === undefined ? -1 : Number(cursor)
  const cancelled = job.jobState === 'cancelled'
  const onlyFailed = states?.length === 1 && states[0] === 'failed'
  const source = onlyFailed ? failures(table, job, after, limit) : byNumber(table, job, after, limit)
  const items: JobPicture[] = []
  for await (const item of source) {
    const picture = await pictures.read(item, cancelled)
    if (states === undefined || (states as readonly JobState[]).includes(picture.state)) {
      if (items.length === limit) {
        return { items, cursor: String(items.at(-1)!.n) }
      }
      items.push(picture)
    }
  }
  return { items }
}

async function* byNumber(table: Table, job: Item, after: number, limit: number): AsyncGenerator<Item> {
  const [tenant, id] = [String(job.tenant), String(job.sk)]
  const total = Number(job.pictureTotal)
  for (let chunk = chunkOf(after + 1); chunk <= chunkOf(Math.max(0, total - 1)); chunk++) {
    const { sk: from } = pictureKey({ tenant, job: id, n: after + 1 })
    const pk = chunkPartition(tenant, id, chunk)
    for await (const item of table.query({ pk, from, page: limit + 1 })) {
      // Items of a part of a manifest that does not count yet.
      if (Number(item.n) < total) {
        yield item
      }
    }
  }
}

async function* failures(table: Table, job: Item, after: number, limit: number): AsyncGenerator<Item> {
  const [tenant, id] = [String(job.tenant), String(job.sk)]
  const { sk: from } = failureKey({ tenant, job: id, n: after + 1 })
  let numbers: number[] = []
  const items = async (): Promise<Item[]> => {
    const found = await table.getAll(numbers.map((n) => pictureKey({ tenant, job: id, n })))
    numbers = []
    return found.filter((item): item is Item => item?.pictureState === 'failed')
  }
  for await (const { n } of table.query({ pk: failuresPartition(tenant, id), from, page: limit + 1 })) {
    numbers.push(Number(n))
    if (numbers.length > limit) {
      yield* await items()
    }
  }
  yield* await items()
}
