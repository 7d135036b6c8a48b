import type { DetectOptions } from '../detector/types.ts'
import type { ErrorCode } from '../errors.ts'
import type { NativeFound } from '../formats/native.ts'
import type { BlobRef } from './blob-store.ts'
import type { Verdict } from './rules.ts'

/** In the order in which a job passes through them; the last three are final. */
export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]
export type FinalState = 'succeeded' | 'failed' | 'cancelled'

export const isFinal = (state: JobState): state is FinalState => state !== 'queued' && state !== 'running'

/** Where the bytes of a picture lie until its turn comes. */
export type PictureSource =
  /** An object of the blob store; with `owned`, one that was put there for this job and goes with it. */
  | { kind: 'blob'; ref: BlobRef; owned?: true }
  | { kind: 'url'; url: string }
  /**
   * A file of a machine that shares its disk with the worker. Only the command line and the watcher name one; with
   * `noLinks` one in a folder that others may write to, where a link could lead to what is not theirs.
   */
  | { kind: 'file'; path: string; noLinks?: true }
  /** A line of a manifest that names no picture: it fails at once, with this reason. */
  | { kind: 'none'; error: JobError }

export interface JobError {
  code: ErrorCode
  message: string
  hint?: string
}

export const ANNOTATED_FORMATS = ['jpeg', 'png', 'webp'] as const
export type AnnotatedFormat = (typeof ANNOTATED_FORMATS)[number]

/** What is to be done with each picture of a job. */
export interface JobOptions {
  /** Name of a model that the worker has; its default one otherwise. */
  model?: string
  /** What that name stands for, of a command line on the machine of the store, for whoever goes on with the job there. */
  load?: ModelOrigin
  /** Checked where they came in, handed on as they are. */
  detect?: Omit<DetectOptions, 'signal' | 'consume'>
  /** An annotated copy is made and kept with the result. */
  annotate?: AnnotatedFormat
  webhook?: WebhookTarget
  /** Where a result goes besides the store: `x.jpg.json` in the folder of the picture. */
  besides?: 'picture'
  /** Facts of whoever submitted it, kept and given back; Amazon's shapes keep their own here. */
  notes?: Readonly<Record<string, unknown>>
}

/** A model as a command line names it; paths are absolute. */
export interface ModelOrigin {
  model: string
  labels?: string
  contract?: string
  /** Parts of the contract, `PATH=VALUE`. */
  set?: readonly string[]
  asIs?: true
}

export interface WebhookTarget {
  url: string
  /** Key of the signature; that of the service otherwise. Never given back to a caller. */
  secret?: string
}

/** Any number of pictures that are submitted, watched and cancelled as one. */
export interface Job {
  id: string
  tenant: string
  state: JobState
  /** A word that several jobs share, such as the name of the folder that they came from. */
  batch?: string
  options: JobOptions
  counts: JobCounts
  /** False while a manifest is still being read, so that `counts.total` is not final yet. */
  complete: boolean
  /** Milliseconds since 1970. */
  createdAt: number
  startedAt?: number
  finishedAt?: number
  expiresAt: number
}

export interface JobCounts {
  total: number
  succeeded: number
  failed: number
  cancelled: number
}

export interface PictureRef {
  tenant: string
  job: string
  /** Number within its job, from 0. */
  n: number
}

/** One picture of a job, and what became of it. */
export interface JobPicture {
  n: number
  /** As whoever submitted it calls it. */
  name: string
  /** Line of the manifest, from 1. */
  line?: number
  source: PictureSource
  state: JobState
  /** How often work on it has begun. */
  attempts: number
  finishedAt?: number
  error?: JobError
  found?: FoundPicture
}

/** What detection gave. */
export interface FoundPicture {
  image: NativeFound
  /** Names the model and its contract in the store, see `JobStore.model`. */
  model: string
  altText: string
  verdict?: Verdict
  /** Some score lies in the band in which a person should look. */
  uncertain?: boolean
  /** What a person said of it. */
  review?: Review
  /** The annotated copy. */
  annotated?: BlobRef
  /** The picture itself, kept for labelling although its source may go away. */
  kept?: BlobRef
}

export const DECISIONS = ['approved', 'rejected'] as const
export type Decision = (typeof DECISIONS)[number]

export interface Review {
  decision: Decision
  /** Milliseconds since 1970. */
  at: number
}

export type PictureOutcome =
  | { state: 'succeeded'; found: FoundPicture }
  | { state: 'failed'; error: JobError }

/** What became of a picture, and how often its message had been received by then. */
export interface FinishedPicture {
  ref: PictureRef
  outcome: PictureOutcome
  receives: number
}

/** The state that follows from the counts. A job with some failures has succeeded; its counts tell of them. */
export function stateOf({ total, succeeded, failed, cancelled }: JobCounts, complete: boolean): JobState {
  if (!complete || succeeded + failed + cancelled < total) {
    return succeeded + failed + cancelled > 0 ? 'running' : 'queued'
  }
  if (cancelled > 0) {
    return 'cancelled'
  }
  return failed > 0 && succeeded === 0 ? 'failed' : 'succeeded'
}
