/** What Amazon Rekognition answers, as far as Boxlet gives it. The types of its answers are made from these schemas. */
import * as v from 'valibot'
import { count, described } from '../system/schema.ts'

const percent = described(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), '0–100.')
const channel = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))
const named = v.array(v.object({ Name: v.string() }))

const boundingBox = described(
  v.object({ Width: v.number(), Height: v.number(), Left: v.number(), Top: v.number() }),
  'As ratios of the size of the picture.',
)

const dominantColor = v.object({
  Red: channel,
  Green: channel,
  Blue: channel,
  HexCode: v.string(),
  CSSColor: v.string(),
  SimplifiedColor: v.string(),
  PixelPercent: described(v.number(), '0–100 of the pixels looked at.'),
})

const instance = v.object({
  BoundingBox: boundingBox,
  Confidence: percent,
  DominantColors: v.array(dominantColor),
})

const label = v.object({
  Name: v.string(),
  Confidence: percent,
  Instances: v.array(instance),
  Parents: named,
  Aliases: named,
  Categories: named,
})

const quality = v.object({ Brightness: v.number(), Sharpness: v.number(), Contrast: v.number() })
const part = { Quality: quality, DominantColors: v.array(dominantColor) }

const imageProperties = v.object({ ...part, Foreground: v.object(part), Background: v.object(part) })

export const detectLabelsAnswer = v.object({
  Labels: v.exactOptional(v.array(label)),
  LabelModelVersion: v.string(),
  OrientationCorrection: v.literal('ROTATE_0'),
  ImageProperties: v.exactOptional(imageProperties),
})

const customLabel = v.object({
  Name: v.string(),
  Confidence: percent,
  Geometry: v.object({ BoundingBox: boundingBox }),
})

export const detectCustomLabelsAnswer = v.object({ CustomLabels: v.array(customLabel) })

const moderationLabel = v.object({
  Name: v.string(),
  ParentName: v.string(),
  Confidence: percent,
  TaxonomyLevel: count,
})

export const detectModerationLabelsAnswer = v.object({
  ModerationLabels: v.array(moderationLabel),
  ModerationModelVersion: v.string(),
  ContentTypes: v.array(v.never()),
})

export const startMediaAnalysisJobAnswer = v.object({ JobId: v.string() })

const written = v.object({ S3Object: v.object({ Bucket: v.string(), Name: v.string() }) })
const seconds = described(v.number(), 'Seconds since 1970.')

export const mediaAnalysisJob = v.object({
  JobId: v.string(),
  JobName: v.exactOptional(v.string()),
  OperationsConfig: v.looseObject({}),
  Status: v.picklist(['QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED']),
  FailureDetails: v.exactOptional(v.object({ Code: v.string(), Message: v.string() })),
  CreationTimestamp: seconds,
  CompletionTimestamp: v.exactOptional(seconds),
  Input: v.looseObject({}),
  OutputConfig: v.looseObject({}),
  Results: v.exactOptional(written),
  ManifestSummary: v.exactOptional(written),
})

export const listMediaAnalysisJobsAnswer = v.object({
  MediaAnalysisJobs: v.array(mediaAnalysisJob),
  NextToken: v.exactOptional(v.string()),
})

export type BoundingBox = v.InferOutput<typeof boundingBox>
export type DominantColor = v.InferOutput<typeof dominantColor>
export type Label = v.InferOutput<typeof label>
export type CustomLabel = v.InferOutput<typeof customLabel>
/** Each 0–100. The service does not publish its formulas; these are stated in the docs. */
export type Quality = v.InferOutput<typeof quality>
export type ImageProperties = v.InferOutput<typeof imageProperties>
export type ModerationLabel = v.InferOutput<typeof moderationLabel>
export type MediaAnalysisJob = v.InferOutput<typeof mediaAnalysisJob>
