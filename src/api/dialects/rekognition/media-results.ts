import { fromNative } from '../../../formats/from-native.ts'
import { toCustomLabels, toLabels } from '../../../formats/rekognition.ts'
import type { BlobStore } from '../../../jobs/blob-store.ts'
import type { Job, JobPicture, JobState } from '../../../jobs/job.ts'
import type { JobStore } from '../../../jobs/job-store.ts'
import { DEFAULT_CONFIDENCE, type MediaNotes, notesOf, outputOf } from './media-jobs.ts'
import { MODERATION_VERSION, moderationLabels } from './moderation.ts'

const PAGE = 500

/**
 * Writes what such a job leaves in the bucket of its caller: a line for each picture, in the order of the manifest, and
 * a summary of what went wrong. The same job writes the same, so that doing it twice does no harm. Neither is held in
 * memory as a whole.
 *
 * source  Amazon Rekognition developer guide, "Output manifests of bulk analysis"; `line-numer` is Amazon's spelling
 */
export async function writeMediaResults(
  job: Job,
  store: JobStore,
  blobs: BlobStore | undefined,
): Promise<void> {
  const notes = notesOf(job)
  if (notes === undefined || blobs === undefined) {
    return
  }
  const at = outputOf(job, notes)
  await blobs.put(at.results, resultLines(job, store, notes.operations), {
    contentType: 'application/jsonl',
  })
  // Last, since its being there says that all is.
  await blobs.put(at.summary, summary(job, store), { contentType: 'application/json' })
}

/** A page at a time. */
async function* resultLines(
  job: Job,
  store: JobStore,
  operations: MediaNotes['operations'],
): AsyncGenerator<Uint8Array> {
  for await (const pictures of pagesOf(job, store, 'succeeded')) {
    yield Buffer.from(pictures.map((picture) => `${JSON.stringify(lineOf(picture, operations))}\n`).join(''))
  }
}

async function* summary(job: Job, store: JobStore): AsyncGenerator<Uint8Array> {
  const { total } = job.counts
  let unreadable = 0
  for await (const pictures of pagesOf(job, store, 'failed')) {
    unreadable += pictures.filter(({ error }) => error?.code === 'MANIFEST_INVALID').length
  }
  const statistics = {
    'total-json-lines': total,
    'valid-json-lines': total - unreadable,
    'invalid-json-lines': unreadable,
  }
  yield Buffer.from(`{"version":"1.0","statistics":${JSON.stringify(statistics)},"errors":[`)
  let comma = ''
  for await (const pictures of pagesOf(job, store, 'failed')) {
    for (const { line, name, error } of pictures) {
      const told = { 'line-numer': line, 'source-ref': name, code: error?.code, message: error?.message }
      yield Buffer.from(comma + JSON.stringify(told))
      comma = ','
    }
  }
  yield Buffer.from(']}')
}

async function* pagesOf(job: Job, store: JobStore, state: JobState): AsyncGenerator<JobPicture[]> {
  let cursor: string | undefined
  do {
    const page = await store.pictures(job.tenant, job.id, {
      states: [state],
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    })
    yield page.items
    cursor = page.cursor
  } while (cursor !== undefined)
}

function lineOf(picture: JobPicture, operations: MediaNotes['operations']): object {
  const { image, verdict } = picture.found!
  const { DetectLabels, DetectCustomLabels, DetectModerationLabels } = operations
  const { detections } = fromNative(image)
  const above = (percent: number) => detections.filter(({ score }) => score * 100 >= percent)
  return {
    'source-ref': picture.name,
    ...(DetectLabels != null && {
      'detect-labels': {
        Labels: toLabels(above(DetectLabels.MinConfidence ?? DEFAULT_CONFIDENCE.labels), image).slice(
          0,
          DetectLabels.MaxLabels ?? undefined,
        ),
        LabelModelVersion: '3.0',
      },
    }),
    ...(DetectCustomLabels != null && {
      'detect-custom-labels': {
        CustomLabels: toCustomLabels(above(DetectCustomLabels.MinConfidence ?? 0), image),
      },
    }),
    ...(DetectModerationLabels != null && {
      'detect-moderation-labels': {
        ModerationLabels: moderationLabels(
          verdict,
          DetectModerationLabels.MinConfidence ?? DEFAULT_CONFIDENCE.moderation,
        ),
        ModerationModelVersion: MODERATION_VERSION,
        ContentTypes: [],
      },
    }),
  }
}
