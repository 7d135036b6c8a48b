import type { Job, JobPicture } from './job.ts'
import type { Arrival, StoredModel } from './job-store.ts'

/** A job on its way from one store to another, without its pictures. */
export interface MovedJob {
  job: Job
  announced: boolean
  keys: { key: string; fingerprint: string; expiresAt: number }[]
}

export interface MovedPicture {
  picture: JobPicture
  arrival?: Arrival
}

export interface MovedArrival extends Arrival {
  tenant: string
}

/**
 * What a store gives to, and takes from, another one of any kind. What is taken is seen by nobody until `complete`: a
 * move that breaks off leaves nothing half, and the next one begins that job again.
 */
export interface Transfer {
  /** Jobs of all owners, oldest first, after the one of this id. */
  jobs(after: string, limit: number): Promise<MovedJob[]>
  /** By number. */
  pictures(job: Pick<Job, 'tenant' | 'id'>, after: number, limit: number): Promise<MovedPicture[]>
  /** Keys in the store's own bucket that the job needs. */
  blobs(job: Pick<Job, 'tenant' | 'id'>): Promise<string[]>
  models(): Promise<[key: string, model: StoredModel][]>
  /** Versions that have arrived, those of forgotten jobs included. */
  arrivals(after: MovedArrival | undefined, limit: number): Promise<MovedArrival[]>

  /** @returns false where the job is there already */
  begin(moved: MovedJob): Promise<boolean>
  add(moved: MovedJob, pictures: readonly MovedPicture[]): Promise<void>
  /** Its state follows from its pictures; those that are not done are queued. */
  complete(moved: MovedJob): Promise<void>
  /** What is known of newer versions stays. */
  addArrivals(arrivals: readonly MovedArrival[]): Promise<void>
}
