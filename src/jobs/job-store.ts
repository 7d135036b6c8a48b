import type { NativeModel } from '../formats/native.ts'
import type { Contract } from '../model/contract.ts'
import type {
  Decision,
  FinalState,
  FinishedPicture,
  Job,
  JobError,
  JobOptions,
  JobPicture,
  JobState,
  PictureRef,
  PictureSource,
} from './job.ts'
import type { Found, SearchQuery } from './search.ts'

export interface NewPicture {
  name: string
  source: PictureSource
  line?: number
  arrival?: Arrival
}

/**
 * One version of a thing that may be replaced, such as an object of a bucket or a file of a folder.
 *
 * `sequencer` is hexadecimal and of any length; the shorter of two is filled up with zeros on the right, and the
 * greater one is the newer version. Source: Amazon S3 user guide, "Event message structure".
 */
export interface Arrival {
  identity: string
  sequencer: string
}

export interface NewJob {
  tenant: string
  batch?: string
  options: JobOptions
  pictures: readonly NewPicture[]
  /** The object that holds the rest of the pictures, one a line. */
  manifest?: ManifestSource
  /** The same key with the same fingerprint gives the same job, with another one an error. */
  key?: { key: string; fingerprint: string }
  ttlMs: number
}

export interface ManifestSource {
  bucket: string
  key: string
  format: 'jsonl' | 'csv'
  /** Sources that name no scheme are taken from here. */
  base?: string
  /** Boxlet made the list itself, so that its lines say nothing to anyone. */
  made?: true
}

export interface ManifestPosition {
  source: ManifestSource
  /** Bytes and lines that have been read. */
  offset: number
  lines: number
  /** Columns of a CSV file, from its first line. */
  columns?: readonly string[]
  /** The line at hand is too long, and has been told so already; it ends somewhere behind `offset`. */
  within?: true
}

export interface UnreadManifest {
  tenant: string
  job: string
  position: ManifestPosition
}

export type Accepted =
  | { outcome: 'created' | 'same'; job: Job }
  /** The key is taken by other parameters. */
  | { outcome: 'conflict' }
  /** A version at least as new has arrived before; nothing was made. */
  /** With the version that is known, where it is. */
  | { outcome: 'outdated'; sequencer?: string }

export interface Page<T> {
  items: T[]
  /** Give it back for the next page; absent at the end. */
  cursor?: string
}

export interface JobQuery {
  states?: readonly JobState[]
  batch?: string
  /** Milliseconds since 1970 of acceptance; `until` itself is left out. */
  since?: number
  until?: number
  limit: number
  cursor?: string
}

export interface PictureQuery {
  states?: readonly JobState[]
  limit: number
  cursor?: string
}

/** A picture that is to be worked on now. */
export interface StartedPicture {
  ref: PictureRef
  picture: JobPicture
  options: JobOptions
  /** Of the version that arrived, where the store orders what is written besides it. */
  sequencer?: string
}

/** A picture that has no message. */
export interface Unsent {
  ref: PictureRef
  group: string
  /** Where the store had it; a picture that was just accepted needs none. */
  note?: string
}

export interface LabelTotal {
  label: string
  /** Pictures that show it, and objects in all of them. */
  pictures: number
  objects: number
}

export interface StoredModel {
  model: NativeModel
  contract: Contract
}

/**
 * What there is to do, how far it is, and what came of it. All changes are conditional, so that a message that comes
 * twice, late or out of order changes nothing.
 *
 * Two marks make what follows a change happen at least once, whatever dies between: pictures that have no message in
 * the queue yet (`unsent`), and jobs whose end nobody has been told of (`unannounced`).
 *
 * @throws BoxletError STORE_UNAVAILABLE, STORE_CORRUPT
 */
export interface JobStore {
  /** Durable against loss of power when it returns. All jobs of one call are accepted, or none. */
  accept(jobs: readonly NewJob[]): Promise<Accepted[]>

  get(tenant: string, id: string): Promise<Job | undefined>
  /** Newest first. */
  list(tenant: string, query: JobQuery): Promise<Page<Job>>
  /** By number. */
  pictures(tenant: string, id: string, query: PictureQuery): Promise<Page<JobPicture>>
  picture(ref: PictureRef): Promise<JobPicture | undefined>
  /** By number of pictures, greatest first. */
  totals(tenant: string, id: string): Promise<LabelTotal[]>
  search(tenant: string, query: SearchQuery): Promise<Page<Found>>

  /**
   * Marks its job as running; a store in which a write has a price need not mark the picture too, and takes the count
   * of its tries from its outcome. Undefined where nothing is to be done any more.
   */
  start(ref: PictureRef): Promise<StartedPicture | undefined>
  /** The first outcome of a picture counts. Gives the jobs that waited for nothing but these. */
  finish(finished: readonly FinishedPicture[]): Promise<Job[]>
  /** It will be tried again; the reason is kept meanwhile. */
  release(ref: PictureRef, error: JobError): Promise<void>

  /**
   * Keeps what a person says of a result; undefined takes it back. The last word counts.
   *
   * @returns the picture, undefined where there is no result
   */
  review(ref: PictureRef, decision: Decision | undefined): Promise<JobPicture | undefined>

  /** @returns undefined where there is no such job, or one that has ended already */
  cancel(tenant: string, id: string): Promise<Job | undefined>
  /** Pictures that ended so are queued again. @returns how many */
  retry(tenant: string, id: string, states: readonly FinalState[]): Promise<number>
  /** One picture that ended in the dead letters. @returns false where it is not failed */
  revive(ref: PictureRef): Promise<boolean>

  unsent(limit: number): Promise<Unsent[]>
  /** Takes note of what `unsent` gave; what a retry has asked for since then stays. */
  sent(sent: readonly Pick<Unsent, 'ref' | 'note'>[]): Promise<void>
  unannounced(limit: number): Promise<Job[]>
  announced(jobs: readonly Pick<Job, 'tenant' | 'id'>[]): Promise<void>
  unread(limit: number): Promise<UnreadManifest[]>
  /** Adds pictures if nobody else has read on from `from`. Without `to` the manifest is read to its end. */
  expand(
    manifest: UnreadManifest,
    pictures: readonly NewPicture[],
    to: ManifestPosition | undefined,
  ): Promise<boolean>

  saveModel(key: string, model: StoredModel): Promise<void>
  model(key: string): Promise<StoredModel | undefined>

  /** Deletes some jobs whose time is over. @returns how many; call it until it gives none */
  prune(limit: number): Promise<number>
  /** Whether any picture or result of the store names this object of its own bucket. */
  usesBlob(key: string): Promise<boolean>
  close(): Promise<void>
}

/** Which of two versions is newer, as a comparison function. */
export function compareSequencers(a: string, b: string): number {
  const length = Math.max(a.length, b.length)
  const [left, right] = [a.toLowerCase().padEnd(length, '0'), b.toLowerCase().padEnd(length, '0')]
  return left < right ? -1 : left > right ? 1 : 0
}
