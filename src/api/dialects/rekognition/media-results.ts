import { fromNative } from '../../../formats/from-native.ts'
import { toCustomLabels, toLabels } from '../../../formats/rekognition.ts'
import type { BlobStore } from '../../../jobs/blob-store.ts'
import type { Job, JobPicture } from '../../../jobs/job.ts'
import type { JobStore } from '../../../jobs/job-store.ts'
import { DEFAULT_CONFIDENCE, type MediaNotes, notesOf, outputOf } from './media-jobs.ts'
import { MODERATION_VERSION, moderationLabels } from './moderation.ts'

const PAGE = 500

/**
 * Writes what such a job leaves in the bucket of its caller: a line for each picture, in the order of the manifest, and
 * a summary of what went wrong. The same job writes the same, so that doing it twice does no harm.
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
  const lines: string[] = []
  const errors: object[] = []
  let cursor: string | undefined
  do {
    const page = await store.pictures(job.tenant, job.id, {
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    })
    for (const picture of page.items) {
      if (picture.error !== undefined && picture.state === 'failed') {
        const { code, message } = picture.error
        errors.push({ 'line-numer': picture.line, 'source-ref': picture.name, code, message })
      } else if (picture.found !== undefined) {
        lines.push(`${JSON.stringify(lineOf(picture, notes.operations))}\n`)
      }
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  const { total } = job.counts
  const unreadable = errors.filter((error) => (error as { code: string }).code === 'MANIFEST_INVALID').length
  const summary = {
    version: '1.0',
    statistics: {
      'total-json-lines': total,
      'valid-json-lines': total - unreadable,
      'invalid-json-lines': unreadable,
    },
    errors,
  }
  const at = outputOf(job, notes)
  await blobs.put(at.results, new TextEncoder().encode(lines.join('')), { contentType: 'application/jsonl' })
  // Last, since its being there says that all is.
  await blobs.put(at.summary, new TextEncoder().encode(JSON.stringify(summary)), {
    contentType: 'application/json',
  })
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
