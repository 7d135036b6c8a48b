/** Jobs as callers see them: over HTTP, in webhooks and on the command line alike. */
import type { NativeImage, NativeModel } from '../formats/native.ts'
import type { Contract } from '../model/contract.ts'
import type { Job, JobCounts, JobError, JobOptions, JobPicture, JobState, PictureSource } from './job.ts'
import type { StoredModel } from './job-store.ts'
import type { Verdict } from './rules.ts'
import type { Found } from './search.ts'

export interface JobView {
  id: string
  state: JobState
  batch?: string
  model?: string
  detect?: JobOptions['detect']
  annotate?: JobOptions['annotate']
  webhook?: { url: string }
  counts: JobCounts
  /** False while the manifest is still being read. */
  complete: boolean
  /** ISO 8601. */
  createdAt: string
  startedAt?: string
  finishedAt?: string
  expiresAt: string
}

export interface PictureView {
  n: number
  name: string
  line?: number
  source?: string
  state: JobState
  attempts: number
  finishedAt?: string
  error?: JobError
  result?: NativeImage & { altText?: string }
  /** What `POLICY` says of it. */
  verdict?: Verdict
  uncertain?: boolean
  /** Names a model of `models`. */
  model?: string
  annotated?: boolean
}

export interface FoundView extends PictureView {
  job: string
}

/** Models by the name that pictures give: the file's hash with a hash of the contract. */
export type ModelsView = Record<string, NativeModel & { contract: Contract }>

const time = (at: number): string => new Date(at).toISOString()

export function viewJob(job: Job): JobView {
  const { id, state, batch, options, counts, complete, createdAt, startedAt, finishedAt, expiresAt } = job
  return {
    id,
    state,
    ...(batch !== undefined && { batch }),
    ...(options.model !== undefined && { model: options.model }),
    ...(options.detect !== undefined && { detect: options.detect }),
    ...(options.annotate !== undefined && { annotate: options.annotate }),
    ...(options.webhook !== undefined && { webhook: { url: options.webhook.url } }),
    counts,
    complete,
    createdAt: time(createdAt),
    ...(startedAt !== undefined && { startedAt: time(startedAt) }),
    ...(finishedAt !== undefined && { finishedAt: time(finishedAt) }),
    expiresAt: time(expiresAt),
  }
}

export function viewPicture(picture: JobPicture): PictureView {
  const { n, name, line, source, state, attempts, finishedAt, error, found } = picture
  const address = addressOf(source)
  return {
    n,
    name,
    ...(line !== undefined && { line }),
    ...(address !== undefined && { source: address }),
    state,
    attempts,
    ...(finishedAt !== undefined && { finishedAt: time(finishedAt) }),
    ...(error !== undefined && { error }),
    ...(found !== undefined && {
      result: { ...found.image, altText: found.altText },
      ...(found.verdict !== undefined && { verdict: found.verdict }),
      ...(found.uncertain && { uncertain: true }),
      model: found.model,
      ...(found.annotated !== undefined && { annotated: true }),
    }),
  }
}

export const viewFound = ({ job, picture }: Found): FoundView => ({ job, ...viewPicture(picture) })

export const viewModel = ({ model, contract }: StoredModel): ModelsView[string] => ({ ...model, contract })

/** Bytes that were sent have no address; a signed one carries credentials in its query. */
function addressOf(source: PictureSource): string | undefined {
  if (source.kind === 'url') {
    const url = URL.canParse(source.url) ? new URL(source.url) : undefined
    return url === undefined ? undefined : `${url.origin}${url.pathname}`
  }
  if (source.kind === 'file') {
    return source.path
  }
  return source.kind === 'blob' && !source.owned ? `s3://${source.ref.bucket}/${source.ref.key}` : undefined
}
