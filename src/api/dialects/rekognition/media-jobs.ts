/**
 * `StartMediaAnalysisJob`, `GetMediaAnalysisJob` and `ListMediaAnalysisJobs` on the jobs of Boxlet. Amazon took
 * moderation alone; here labels and custom labels are taken too, under the names of their own operations.
 *
 * source  Amazon Rekognition API reference and developer guide, "Bulk analysis"
 */
import { BoxletError, toBoxletError } from '../../../errors.ts'
import type { MediaAnalysisJob } from '../../../formats/rekognition-schema.ts'
import type { BlobRef, BlobStore } from '../../../jobs/blob-store.ts'
import { isJobId } from '../../../jobs/id.ts'
import type { Job } from '../../../jobs/job.ts'
import { defined } from '../../../system/defined.ts'
import type { Call } from '../../call.ts'
import type { JobOffer } from '../../jobs/offer.ts'
import { tenantOf } from '../../jobs/tenant.ts'
import type { Service } from '../../service.ts'
import { modelNamed } from './detect-custom-labels.ts'
import { leastScoreOf, policyOf } from './moderation.ts'
import {
  invalidParameter,
  type MediaJobRequest,
  parseGetMediaJob,
  parseListMediaJobs,
  parseStartMediaJob,
} from './request.ts'

/** Marks these jobs, so that the list of them is one range of an index. */
export const MEDIA_BATCH = 'MediaAnalysisJob'
const DEFAULT_MAX_RESULTS = 20
/** What Amazon takes where an operation names no confidence. */
export const DEFAULT_CONFIDENCE = { labels: 55, moderation: 50 }

/** What such a job keeps of its request. */
export interface MediaNotes {
  name?: string
  operations: MediaJobRequest['OperationsConfig']
  input: MediaJobRequest['Input']
  output: MediaJobRequest['OutputConfig']
}

export async function startMediaAnalysisJob(
  body: Uint8Array,
  service: Service,
  call: Call,
): Promise<unknown> {
  const { offer, blobs } = needed(service)
  const request = parseStartMediaJob(body)
  const { OperationsConfig: operations, Input, OutputConfig, ClientRequestToken, JobName } = request
  if (Object.values(operations).every((operation) => operation == null)) {
    throw invalidParameter('OperationsConfig must name an operation')
  }
  const { Bucket: bucket, Name: key, Version } = Input.S3Object
  const ref = { bucket, key, ...(Version != null && { version: Version }) }
  const list = await blobs.get(ref, { maxBytes: service.limits.bodyBytes, signal: call.signal })
  const notes: MediaNotes = {
    operations,
    input: Input,
    output: OutputConfig,
    ...(JobName != null && { name: JobName }),
  }
  const { job } = await offer.service
    .submit(tenantOf(call), {
      options: {
        notes: { media: notes },
        detect: { minScore: leastScore(operations, service) },
        ...defined({ model: modelOf(operations, service) }),
      },
      pictures: [],
      manifest: { ...(await offer.keep(list)), format: 'jsonl' },
      batch: MEDIA_BATCH,
      ...(ClientRequestToken != null && { key: `amazon:${ClientRequestToken}` }),
    })
    .catch((error: unknown) => {
      const { code } = toBoxletError(error)
      throw code === 'JOB_CONFLICT'
        ? new BoxletError('JOB_CONFLICT', 'ClientRequestToken was used with other parameters', {
            details: { aws: 'IdempotentParameterMismatchException' },
          })
        : error
    })
  return { JobId: job.id }
}

export async function getMediaAnalysisJob(body: Uint8Array, service: Service, call: Call): Promise<unknown> {
  const { offer, blobs } = needed(service)
  const { JobId } = parseGetMediaJob(body)
  const job = isJobId(JobId) ? await offer.service.store.get(tenantOf(call), JobId) : undefined
  if (job === undefined || notesOf(job) === undefined) {
    throw new BoxletError('JOB_NOT_FOUND', 'Could not find JobId', {
      details: { aws: 'ResourceNotFoundException' },
    })
  }
  return describe(job, blobs)
}

export async function listMediaAnalysisJobs(
  body: Uint8Array,
  service: Service,
  call: Call,
): Promise<unknown> {
  const { offer, blobs } = needed(service)
  const { MaxResults, NextToken } = parseListMediaJobs(body)
  if (NextToken != null && !isJobId(NextToken)) {
    throw new BoxletError('REQUEST_INVALID', 'NextToken is not one of a list before', {
      details: { aws: 'InvalidPaginationTokenException' },
    })
  }
  const page = await offer.service.store.list(tenantOf(call), {
    batch: MEDIA_BATCH,
    limit: MaxResults ?? DEFAULT_MAX_RESULTS,
    ...(NextToken != null && { cursor: NextToken }),
  })
  return {
    MediaAnalysisJobs: await Promise.all(page.items.map((job) => describe(job, blobs))),
    ...defined({ NextToken: page.cursor }),
  }
}

export const notesOf = (job: Job): MediaNotes | undefined =>
  job.options.notes?.media as MediaNotes | undefined

/** Where results and the summary lie, below the prefix of the caller. */
export function outputOf(job: Job, notes: MediaNotes): { results: BlobRef; summary: BlobRef } {
  const { S3Bucket: bucket, S3KeyPrefix } = notes.output
  const prefix = S3KeyPrefix == null || S3KeyPrefix === '' ? '' : `${S3KeyPrefix.replace(/\/+$/, '')}/`
  return {
    results: { bucket, key: `${prefix}${job.id}/results.jsonl` },
    summary: { bucket, key: `${prefix}${job.id}/manifest-summary.json` },
  }
}

async function describe(job: Job, blobs: BlobStore): Promise<MediaAnalysisJob> {
  const notes = notesOf(job)!
  const { results, summary } = outputOf(job, notes)
  const isWritten =
    job.finishedAt !== undefined &&
    (await blobs.get(summary, { range: { start: 0, length: 1 } }).then(
      () => true,
      () => false,
    ))
  const s3 = ({ bucket: Bucket, key: Name }: BlobRef) => ({ S3Object: { Bucket, Name } })
  return {
    JobId: job.id,
    ...defined({ JobName: notes.name }),
    OperationsConfig: notes.operations,
    Status: statusOf(job, isWritten),
    ...(job.state === 'cancelled' && {
      FailureDetails: { Code: 'INTERNAL_ERROR', Message: 'The job was cancelled.' },
    }),
    ...(isUnwritable(job, isWritten) && {
      FailureDetails: { Code: 'INVALID_OUTPUT_CONFIG', Message: 'The results could not be written.' },
    }),
    // AWS JSON carries moments as seconds.
    CreationTimestamp: job.createdAt / 1000,
    ...(isWritten && { CompletionTimestamp: job.finishedAt! / 1000 }),
    Input: notes.input,
    OutputConfig: notes.output,
    ...(isWritten && { Results: s3(results), ManifestSummary: s3(summary) }),
  }
}

/** A job whose pictures all failed has succeeded too: the summary says why. */
function statusOf(job: Job, isWritten: boolean): MediaAnalysisJob['Status'] {
  const { state } = job
  if (state === 'queued') {
    return 'QUEUED'
  }
  if (state === 'cancelled') {
    return 'FAILED'
  }
  return isWritten ? 'SUCCEEDED' : isUnwritable(job, isWritten) ? 'FAILED' : 'IN_PROGRESS'
}

/** Results are written within the second after the end; those that are not there by then were refused. */
const WRITTEN_MS = 60_000
const isUnwritable = ({ finishedAt }: Job, isWritten: boolean): boolean =>
  !isWritten && finishedAt !== undefined && Date.now() - finishedAt > WRITTEN_MS

function needed({ options: { jobs: offer, blobStore: blobs } }: Service): {
  offer: JobOffer
  blobs: BlobStore
} {
  if (offer === undefined || blobs === undefined) {
    throw invalidParameter(
      'Media analysis jobs need a store of jobs and of objects, which this service has not',
    )
  }
  return { offer, blobs }
}

function modelOf(
  { DetectCustomLabels }: MediaJobRequest['OperationsConfig'],
  service: Service,
): string | undefined {
  return DetectCustomLabels == null ? undefined : modelNamed(DetectCustomLabels.ProjectVersionArn, service)
}

/** The least of all operations; each takes its own from what was found. */
function leastScore(operations: MediaJobRequest['OperationsConfig'], service: Service): number {
  const { DetectLabels, DetectCustomLabels, DetectModerationLabels } = operations
  const scores = [
    ...(DetectLabels == null ? [] : [(DetectLabels.MinConfidence ?? DEFAULT_CONFIDENCE.labels) / 100]),
    ...(DetectCustomLabels == null ? [] : [(DetectCustomLabels.MinConfidence ?? 0) / 100]),
    ...(DetectModerationLabels == null ? [] : [leastScoreOf(policyOf(service))]),
  ]
  return Math.max(0.01, Math.min(1, ...scores))
}
