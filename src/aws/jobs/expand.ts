import type { ManifestPosition, NewPicture, UnreadManifest } from '../../jobs/job-store.ts'
import { groupOf } from './accept.ts'
import { countWrite } from './counters.ts'
import { pictureItem } from './job-items.ts'
import type { JobReader } from './job-reader.ts'
import { failureKey, jobKey, markKey, outboxKey, stateIndexKey, UNREAD } from './keys.ts'
import { rangesOf } from './outbox.ts'
import type { Table, Write } from './table.ts'

/** Single writes under way at once. */
const AT_ONCE = 32

export async function unreadOf(table: Table, jobs: JobReader, limit: number): Promise<UnreadManifest[]> {
  const unread: UnreadManifest[] = []
  for await (const { tenant, job } of table.query({ pk: UNREAD, page: limit })) {
    const item = await jobs.item(String(tenant), String(job))
    if (item?.manifestAt !== undefined && item.finishedAt === undefined) {
      const position = JSON.parse(String(item.manifestAt)) as ManifestPosition
      unread.push({ tenant: String(tenant), job: String(job), position })
    }
    if (unread.length === limit) {
      break
    }
  }
  return unread
}

/**
 * Adds the pictures of a part of a manifest. Their items come first, each only where none is: a process that was held
 * up and writes the same part again must not touch what others have worked on since. The job counts them, and the queue
 * gets them, by the one transaction that moves its place in the manifest on.
 */
export async function expand(
  table: Table,
  jobs: JobReader,
  { tenant, job: id, position }: UnreadManifest,
  pictures: readonly NewPicture[],
  to: ManifestPosition | undefined,
  now: number,
): Promise<boolean> {
  const item = await jobs.item(tenant, id)
  const before = JSON.stringify(position)
  if (item === undefined || item.finishedAt !== undefined || item.manifestAt !== before) {
    return false
  }
  const total = Number(item.pictureTotal)
  const expiresAt = Number(item.expiresAt)
  const ttl = Number(item.ttl)
  const failed: number[] = []
  const open: number[] = []
  for (const [i, { source }] of pictures.entries()) {
    ;(source.kind === 'none' ? failed : open).push(total + i)
  }
  for (let start = 0; start < pictures.length; start += AT_ONCE) {
    await Promise.all(
      pictures.slice(start, start + AT_ONCE).map((picture, i) =>
        table.write({
          kind: 'put',
          item: pictureItem({ tenant, job: id, n: total + start + i }, picture, expiresAt, now),
          condition: 'attribute_not_exists(pk)',
        }),
      ),
    )
  }
  await table.writeAll(
    failed.map((n) => ({ kind: 'put', item: { ...failureKey({ tenant, job: id, n }), n, ttl } })),
  )
  const after = total + pictures.length
  const writes: Write[] = [
    {
      kind: 'update',
      key: jobKey(tenant, id),
      set: [
        'SET pictureTotal = :total, ',
        failed.length > 0 ? 'jobState = :running, byState = :byState, ' : '',
        to === undefined ? 'shards = shards REMOVE manifestAt' : 'manifestAt = :to',
        ' ADD revision :one',
      ].join(''),
      values: {
        ':total': after,
        ':before': before,
        ':one': 1,
        ...(to !== undefined && { ':to': JSON.stringify(to) }),
        ...(failed.length > 0 && { ':running': 'running', ':byState': stateIndexKey(tenant, 'running') }),
      },
      condition: 'manifestAt = :before AND attribute_not_exists(finishedAt)',
    },
  ]
  if (open.length > 0) {
    const group = groupOf(tenant, id, after)
    writes.push({
      kind: 'put',
      item: { ...outboxKey(id, open[0]!), tenant, job: id, ranges: rangesOf(open), group, ttl },
    })
  }
  if (failed.length > 0) {
    writes.push(countWrite({ tenant, id, shards: Number(item.shards), ttl }, { failed: failed.length }))
  }
  if (to === undefined) {
    writes.push({ kind: 'delete', key: markKey(UNREAD, tenant, id) })
  }
  return (await table.transact(writes)).length === 0
}
