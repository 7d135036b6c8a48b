import { isFinal, type Job, type JobPicture, type PictureRef, stateOf } from '../../jobs/job.ts'
import { type Arrival, compareSequencers, type StoredModel } from '../../jobs/job-store.ts'
import type { MovedArrival, MovedJob, MovedPicture, Transfer } from '../../jobs/transfer.ts'
import { blobWrites, groupOf } from './accept.ts'
import { NO_COUNTS, putCounters, shardsFor, sumLabels } from './counters.ts'
import { indexWrites } from './find-index.ts'
import type { Item } from './item.ts'
import { pictureItem, ttlOf } from './job-items.ts'
import { JobReader } from './job-reader.ts'
import {
  arrivalKey,
  batchIndexKey,
  chunkOf,
  chunkPartition,
  ENDED,
  failureKey,
  idempotencyKey,
  jobKey,
  markKey,
  outboxKey,
  pictureKey,
  stateIndexKey,
} from './keys.ts'
import { rangesOf } from './outbox.ts'
import { newTag } from './outcomes.ts'
import { type LargeResults, PictureItems } from './picture-items.ts'
import type { Table, Write } from './table.ts'

type Put = Extract<Write, { kind: 'put' }>

/** What a store in DynamoDB gives to another one, and takes from it. To give, it reads the whole table. */
export class DynamoTransfer implements Transfer {
  readonly #table: Table
  readonly #pictures: PictureItems
  readonly #reader: JobReader
  readonly #now: () => number

  constructor(table: Table, large: LargeResults, now: () => number) {
    this.#table = table
    this.#pictures = new PictureItems(large)
    this.#reader = new JobReader(table, now)
    this.#now = now
  }

  async jobs(after: string, limit: number): Promise<MovedJob[]> {
    const found: Item[] = []
    const keys: Item[] = []
    for await (const item of this.#table.scan()) {
      const pk = String(item.pk)
      if (pk.startsWith('T#') && String(item.sk) > after && !this.#reader.isOver(item)) {
        found.push(item)
      } else if (pk.startsWith('K#') && item.key !== undefined) {
        keys.push(item)
      }
    }
    found.sort((a, b) => (String(a.sk) < String(b.sk) ? -1 : 1))
    return Promise.all(
      found.slice(0, limit).map(async (item) => ({
        job: await this.#reader.whole(item),
        announced:
          (await this.#table.get(markKey(ENDED, String(item.tenant), String(item.sk)))) === undefined,
        keys: keys
          .filter(({ job }) => job === item.sk)
          .map(({ key, fingerprint, expiresAt }) => ({
            key: String(key),
            fingerprint: String(fingerprint),
            expiresAt: Number(expiresAt),
          })),
      })),
    )
  }

  async pictures(job: Pick<Job, 'tenant' | 'id'>, after: number, limit: number): Promise<MovedPicture[]> {
    const moved: MovedPicture[] = []
    for await (const [picture, item] of this.#each(job, after)) {
      const { arrival, sequencer } = item
      moved.push({
        picture,
        ...(arrival !== undefined &&
          sequencer !== undefined && {
            arrival: { identity: String(arrival), sequencer: String(sequencer) },
          }),
      })
      if (moved.length === limit) {
        break
      }
    }
    return moved
  }

  async blobs(job: Pick<Job, 'tenant' | 'id'>): Promise<string[]> {
    const keys = new Set<string>()
    for await (const [picture] of this.#each(job, -1)) {
      for (const key of blobsOf(picture)) {
        keys.add(key)
      }
    }
    return [...keys]
  }

  async models(): Promise<[string, StoredModel][]> {
    const models: [string, StoredModel][] = []
    for await (const { pk, key, model } of this.#table.scan()) {
      if (String(pk).startsWith('M#')) {
        models.push([String(key), JSON.parse(String(model)) as StoredModel])
      }
    }
    return models
  }

  async arrivals(after: MovedArrival | undefined, limit: number): Promise<MovedArrival[]> {
    const place = ({ tenant, identity }: { tenant: string; identity: string }): string =>
      `${tenant}\n${identity}`
    const all: MovedArrival[] = []
    for await (const { pk, tenant, identity, sequencer } of this.#table.scan()) {
      if (String(pk).startsWith('A#')) {
        all.push({ tenant: String(tenant), identity: String(identity), sequencer: String(sequencer) })
      }
    }
    return all
      .filter((one) => after === undefined || place(one) > place(after))
      .sort((a, b) => (place(a) < place(b) ? -1 : 1))
      .slice(0, limit)
  }

  async begin({ job }: MovedJob): Promise<boolean> {
    const written = await this.#table.write({
      kind: 'put',
      item: {
        ...jobKey(job.tenant, job.id),
        tenant: job.tenant,
        arriving: 1,
        jobState: 'queued',
        batch: job.batch,
        jobOptions: JSON.stringify(job.options),
        pictureTotal: 0,
        createdAt: job.createdAt,
        expiresAt: job.expiresAt,
        shards: shardsFor(job.counts.total, false),
        revision: 0,
        ttl: ttlOf(job.expiresAt),
      },
      condition: 'attribute_not_exists(pk) OR attribute_exists(arriving)',
    })
    return written !== false
  }

  async add({ job }: MovedJob, pictures: readonly MovedPicture[]): Promise<void> {
    const ttl = ttlOf(job.expiresAt)
    const puts: Put[] = []
    for (const { picture, arrival } of pictures) {
      const { n, name, source, line, found, error, finishedAt } = picture
      const ref = { tenant: job.tenant, job: job.id, n }
      const fresh = pictureItem(
        ref,
        { name, source, ...(line !== undefined && { line }), ...(arrival !== undefined && { arrival }) },
        job.expiresAt,
        job.createdAt,
      )
      const packed = found === undefined ? undefined : await this.#pictures.pack(found)
      const tag = newTag()
      puts.push({
        kind: 'put',
        item: {
          ...fresh,
          // Whoever had it works elsewhere.
          pictureState: picture.state === 'running' ? 'queued' : picture.state,
          attempts: picture.attempts,
          finishedAt,
          lastError: error === undefined ? undefined : JSON.stringify(error),
          sequencer: arrival?.sequencer,
          ...(packed !== undefined && { [packed[0]]: packed[1], entryTag: tag }),
        },
      })
      if (picture.state === 'failed') {
        puts.push({ kind: 'put', item: { ...failureKey(ref), n, ttl } })
      }
      if (found !== undefined && finishedAt !== undefined) {
        puts.push(
          ...indexWrites({ tenant: job.tenant, job: job.id, at: finishedAt, tag, ttl }, [{ n, found }]),
        )
      }
      puts.push(...blobWrites(blobsOf(picture), job.expiresAt))
    }
    await this.#table.writeAll(puts)
    for (const { picture, arrival } of pictures) {
      if (arrival !== undefined) {
        await this.#noteArrival({ tenant: job.tenant, job: job.id, n: picture.n }, arrival, ttl)
      }
    }
  }

  /** The newest version of a picture is the one that is found. */
  async #noteArrival(
    { tenant, job, n }: PictureRef,
    { identity, sequencer }: Arrival,
    ttl: number,
  ): Promise<void> {
    const key = arrivalKey(tenant, identity)
    const known = await this.#table.get(key)
    if (known === undefined || compareSequencers(sequencer, String(known.sequencer)) >= 0) {
      await this.#table.write({ kind: 'put', item: { ...key, tenant, identity, sequencer, job, n, ttl } })
    }
  }

  async complete({ job, announced, keys }: MovedJob): Promise<void> {
    const { tenant, id } = job
    const counts = { ...NO_COUNTS }
    const open: number[] = []
    const labels = new Map<string, [pictures: number, objects: number]>()
    let total = 0
    for await (const [picture] of this.#each(job, -1)) {
      total++
      if (isFinal(picture.state)) {
        counts[picture.state as keyof typeof counts]++
      } else {
        open.push(picture.n)
      }
      for (const [label, [, objects]] of sumLabels([picture.found])) {
        const [before, sum] = labels.get(label) ?? [0, 0]
        labels.set(label, [before + 1, sum + objects])
      }
    }
    const ttl = ttlOf(job.expiresAt)
    const state = stateOf({ total, ...counts }, true)
    const ended = isFinal(state)
    const marks: Put[] = [
      putCounters({ tenant, id, shards: 1, ttl }, counts, labels),
      ...keys.map(
        ({ key, fingerprint, expiresAt }): Put => ({
          kind: 'put',
          item: {
            ...idempotencyKey(tenant, key),
            key,
            fingerprint,
            job: id,
            expiresAt,
            ttl: ttlOf(expiresAt),
          },
        }),
      ),
    ]
    if (open.length > 0) {
      const group = groupOf(tenant, id, total)
      marks.push({
        kind: 'put',
        item: { ...outboxKey(id, 0), tenant, job: id, ranges: rangesOf(open), group, ttl },
      })
    }
    const finishedAt = ended ? (job.finishedAt ?? this.#now()) : undefined
    if (ended && !announced) {
      marks.push({ kind: 'put', item: { ...markKey(ENDED, tenant, id), tenant, job: id, finishedAt, ttl } })
    }
    await this.#table.writeAll(marks)
    await this.#table.write({
      kind: 'put',
      item: {
        ...jobKey(tenant, id),
        tenant,
        jobState: state,
        batch: job.batch,
        jobOptions: JSON.stringify(job.options),
        pictureTotal: total,
        createdAt: job.createdAt,
        startedAt: job.startedAt,
        finishedAt,
        expiresAt: job.expiresAt,
        shards: shardsFor(total, false),
        revision: 1,
        byState: stateIndexKey(tenant, state),
        byBatch: job.batch === undefined ? undefined : batchIndexKey(tenant, job.batch),
        ttl,
        ...(ended && counts),
      },
    })
  }

  async addArrivals(arrivals: readonly MovedArrival[]): Promise<void> {
    for (const { tenant, identity, sequencer } of arrivals) {
      await this.#table.write({
        kind: 'put',
        item: { ...arrivalKey(tenant, identity), tenant, identity, sequencer, job: '', n: 0 },
        condition: 'attribute_not_exists(pk)',
      })
    }
  }

  async *#each(
    { tenant, id }: Pick<Job, 'tenant' | 'id'>,
    after: number,
  ): AsyncGenerator<[picture: JobPicture, item: Item]> {
    const job = await this.#table.get(jobKey(tenant, id))
    const cancelled = job?.jobState === 'cancelled'
    for (let chunk = chunkOf(after + 1); ; chunk++) {
      let count = 0
      const { sk: from } = pictureKey({ tenant, job: id, n: after + 1 })
      for await (const item of this.#table.query({ pk: chunkPartition(tenant, id, chunk), from })) {
        count++
        yield [await this.#pictures.read(item, cancelled), item]
      }
      // The numbers of pictures have no gaps.
      if (count === 0) {
        return
      }
    }
  }
}

function blobsOf({ source, found }: JobPicture): string[] {
  const own = source.kind === 'blob' && source.owned ? [source.ref.key] : []
  return [
    ...own,
    ...[found?.annotated, found?.kept].flatMap((blob) => (blob === undefined ? [] : [blob.key])),
  ]
}
