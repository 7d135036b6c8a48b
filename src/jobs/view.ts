/** Jobs as callers see them: over HTTP, in webhooks and on the command line alike. */
import type * as v from 'valibot'
import type { Job, JobPicture, PictureSource } from './job.ts'
import type { StoredModel } from './job-store.ts'
import type { Found } from './search.ts'
import type * as schema from './view-schema.ts'

export interface JobView extends v.InferOutput<typeof schema.job> {}
export interface PictureView extends v.InferOutput<typeof schema.picture> {}
export interface FoundView extends v.InferOutput<typeof schema.foundPicture> {}
export type ModelsView = v.InferOutput<typeof schema.models>
export type UploadForm = v.InferOutput<typeof schema.uploadForm>

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
      ...(found.review !== undefined && {
        review: { decision: found.review.decision, at: time(found.review.at) },
      }),
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
