import { hostname } from 'node:os'
import type { BlobGetOptions, BlobRef } from './blob-store.ts'
import { readOn } from './feeder.ts'
import { type JobHome, OWN_BUCKET } from './home.ts'
import type { PictureSource } from './job.ts'
import type { MovedArrival, MovedJob, MovedPicture } from './transfer.ts'

/** Jobs, and pictures, that are on their way together. */
const JOBS_AT_ONCE = 100
const PICTURES_AT_ONCE = 500
const WEBHOOKS_AT_ONCE = 100
const WEBHOOK_LEASE_MS = 60_000
/** Blobs copied at once: enough that an answer from afar does not hold up the next. */
const COPIES = 8

export interface MoveOptions {
  from: JobHome
  to: JobHome
  /** Reads a file that a picture names, for those who will not see it. Undefined where it is gone. */
  readFile(path: string): Promise<Uint8Array | undefined>
  /** Reads the objects that manifests lie in. */
  getManifest(ref: BlobRef, options: BlobGetOptions): Promise<Uint8Array>
  onJob?(count: { moved: number; known: number }): void
  signal: AbortSignal
}

export interface Moved {
  jobs: number
  /** Jobs that were there already. */
  known: number
  pictures: number
  webhooks: number
  /** Webhooks of the old store that wait for another try. */
  waiting: number
}

/**
 * Copies all jobs from one store to another, which may be in use. What is there already is left as it is, so that a
 * move that broke off is simply run again. The old store keeps what it has.
 */
export async function moveJobs(options: MoveOptions): Promise<Moved> {
  const { from, to, signal } = options
  const result: Moved = { jobs: 0, known: 0, pictures: 0, webhooks: 0, waiting: 0 }
  await readManifests(options)
  for (const [key, model] of await from.transfer.models()) {
    await to.store.saveModel(key, model)
  }
  let after = ''
  for (;;) {
    const jobs = await from.transfer.jobs(after, JOBS_AT_ONCE)
    for (const moved of jobs) {
      signal.throwIfAborted()
      if (await to.transfer.begin(moved)) {
        await copyBlobs(from, to, await from.transfer.blobs(moved.job))
        result.pictures += await movePictures(moved, options)
        await to.transfer.complete(moved)
        result.jobs++
      } else {
        result.known++
      }
      options.onJob?.({ moved: result.jobs, known: result.known })
    }
    if (jobs.length < JOBS_AT_ONCE) {
      break
    }
    after = jobs.at(-1)!.job.id
  }
  await moveArrivals(options)
  await moveWebhooks(options, result)
  return result
}

/** What is still a list may name files of this machine; as pictures they can be taken along. */
async function readManifests({ from, getManifest, signal }: MoveOptions): Promise<void> {
  const get = (ref: BlobRef, range: BlobGetOptions): Promise<Uint8Array> =>
    ref.bucket === OWN_BUCKET ? from.blobs.get(ref, range) : getManifest(ref, range)
  for (;;) {
    signal.throwIfAborted()
    const [manifest] = await from.store.unread(1)
    if (manifest === undefined) {
      return
    }
    await readOn(from.store, manifest, get)
  }
}

async function movePictures(moved: MovedJob, options: MoveOptions): Promise<number> {
  const { from, to, signal } = options
  const { total } = moved.job.counts
  let count = 0
  while (count < total) {
    signal.throwIfAborted()
    const pictures = await from.transfer.pictures(moved.job, count - 1, PICTURES_AT_ONCE)
    // A store in use may have got more meanwhile, which the next move would bring again.
    const known = pictures.filter(({ picture }) => picture.n < total)
    await to.transfer.add(moved, await inOrder(known, (each) => asSeenThere(each, options)))
    count += pictures.length
    if (pictures.length < PICTURES_AT_ONCE) {
      break
    }
  }
  return Math.min(count, total)
}

/** Results name no place. A file of this machine is taken along if somebody still has to read it. */
async function asSeenThere(moved: MovedPicture, options: MoveOptions): Promise<MovedPicture> {
  const { picture, arrival } = moved
  if (!losesFiles(options)) {
    return moved
  }
  const isOpen = picture.state === 'queued' || picture.state === 'running'
  const { source } = picture
  const bytes = isOpen && source.kind === 'file' ? await options.readFile(source.path) : undefined
  const taken: PictureSource | undefined =
    bytes === undefined ? undefined : { kind: 'blob', ref: await options.to.blobs.keep(bytes), owned: true }
  return {
    picture: taken === undefined ? picture : { ...picture, source: taken },
    ...(arrival !== undefined && { arrival: asNamedThere(arrival) }),
  }
}

const losesFiles = ({ from, to }: MoveOptions): boolean => from.seesFiles && !to.seesFiles

/** Watched files of several machines are told apart by the names of the machines. */
const asNamedThere = <T extends { identity: string }>(arrival: T): T =>
  arrival.identity.startsWith('file:/') && !arrival.identity.startsWith('file://')
    ? { ...arrival, identity: `file://${hostname()}${arrival.identity.slice('file:'.length)}` }
    : arrival

async function copyBlobs(from: JobHome, to: JobHome, keys: readonly string[]): Promise<void> {
  await inOrder(keys, async (key) => {
    await to.blobs.keep(await from.blobs.get({ bucket: OWN_BUCKET, key }))
  })
}

async function moveArrivals(options: MoveOptions): Promise<void> {
  let after: MovedArrival | undefined
  for (;;) {
    const arrivals = await options.from.transfer.arrivals(after, PICTURES_AT_ONCE)
    await options.to.transfer.addArrivals(losesFiles(options) ? arrivals.map(asNamedThere) : arrivals)
    if (arrivals.length < PICTURES_AT_ONCE) {
      return
    }
    after = arrivals.at(-1)
  }
}

/** Sent there before it is done here: at least once, as ever. */
async function moveWebhooks({ from, to }: MoveOptions, result: Moved): Promise<void> {
  for (;;) {
    const messages = await from.webhooks.receive({ max: WEBHOOKS_AT_ONCE, leaseMs: WEBHOOK_LEASE_MS })
    if (messages.length === 0) {
      break
    }
    await to.webhooks.send(messages.map(({ body }) => ({ body })))
    await from.webhooks.done(messages)
    result.webhooks += messages.length
  }
  result.waiting = (await from.webhooks.size()).waiting
}

/** Some at a time, with their results in the order of what they came from. */
async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += COPIES) {
    results.push(...(await Promise.all(items.slice(start, start + COPIES).map(work))))
  }
  return results
}
