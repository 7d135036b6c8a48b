import * as v from 'valibot'
import { BoxletError } from '../../../errors.ts'
import { parseJsonObject } from '../../json-body.ts'
import { constraintOf, isOfAnotherType } from './constraint.ts'

const text = (least: number, most: number) => v.pipe(v.string(), v.minLength(least), v.maxLength(most))
const range = (least: number, most: number) => v.pipe(v.number(), v.minValue(least), v.maxValue(most))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const filters = v.nullish(v.pipe(v.array(v.pipe(v.string(), v.maxLength(128))), v.maxLength(100)))
const percent = v.nullish(range(0, 100))

const s3Object = v.object({
  Bucket: text(3, 255),
  Name: text(1, 1024),
  Version: v.nullish(text(1, 1024)),
})

const image = v.object({ Bytes: v.nullish(v.string()), S3Object: v.nullish(s3Object) })

export const detectLabels = v.object({
  Image: image,
  MaxLabels: v.nullish(count),
  MinConfidence: percent,
  Features: v.nullish(v.pipe(v.array(v.picklist(['GENERAL_LABELS', 'IMAGE_PROPERTIES'])), v.maxLength(2))),
  Settings: v.nullish(
    v.object({
      GeneralLabels: v.nullish(
        v.object({
          LabelInclusionFilters: filters,
          LabelExclusionFilters: filters,
          LabelCategoryInclusionFilters: filters,
          LabelCategoryExclusionFilters: filters,
        }),
      ),
      ImageProperties: v.nullish(
        v.object({
          MaxDominantColors: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(12))),
        }),
      ),
    }),
  ),
})

export const detectCustomLabels = v.object({
  ProjectVersionArn: text(20, 2048),
  Image: image,
  MaxResults: v.nullish(count),
  MinConfidence: percent,
})

export const detectModerationLabels = v.object({
  Image: image,
  MinConfidence: percent,
  ProjectVersion: v.nullish(text(1, 2048)),
})

export const startMediaJob = v.object({
  ClientRequestToken: v.nullish(v.pipe(text(1, 64), v.regex(/^[a-zA-Z0-9-_]+$/))),
  JobName: v.nullish(v.pipe(text(1, 64), v.regex(/^[a-zA-Z0-9_.:/+-]+$/))),
  OperationsConfig: v.object({
    DetectModerationLabels: v.nullish(
      v.object({ MinConfidence: percent, ProjectVersion: v.nullish(v.string()) }),
    ),
    DetectLabels: v.nullish(v.object({ MinConfidence: percent, MaxLabels: v.nullish(count) })),
    DetectCustomLabels: v.nullish(v.object({ ProjectVersionArn: text(20, 2048), MinConfidence: percent })),
  }),
  Input: v.object({ S3Object: s3Object }),
  OutputConfig: v.object({ S3Bucket: text(3, 255), S3KeyPrefix: v.nullish(text(0, 800)) }),
  KmsKeyId: v.nullish(v.string()),
})

export const getMediaJob = v.object({ JobId: text(1, 64) })

export const listMediaJobs = v.object({
  NextToken: v.nullish(text(1, 1024)),
  MaxResults: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100))),
})

export type MediaJobRequest = v.InferOutput<typeof startMediaJob>

export const parseDetectModerationLabels = (body: Uint8Array) => parse(detectModerationLabels, body)
export const parseStartMediaJob = (body: Uint8Array): MediaJobRequest => parse(startMediaJob, body)
export const parseGetMediaJob = (body: Uint8Array) => parse(getMediaJob, body)
export const parseListMediaJobs = (body: Uint8Array) => parse(listMediaJobs, body)

export type RekognitionImage = v.InferOutput<typeof image>
export type DetectLabelsRequest = v.InferOutput<typeof detectLabels>
export type DetectCustomLabelsRequest = v.InferOutput<typeof detectCustomLabels>

export const parseDetectLabels = (body: Uint8Array): DetectLabelsRequest => parse(detectLabels, body)
export const parseDetectCustomLabels = (body: Uint8Array): DetectCustomLabelsRequest =>
  parse(detectCustomLabels, body)

function parse<T>(schema: v.GenericSchema<unknown, T>, body: Uint8Array): T {
  const parsed = v.safeParse(schema, json(body), { abortEarly: true })
  if (parsed.success) {
    return parsed.output
  }
  const [issue] = parsed.issues
  if (isOfAnotherType(issue)) {
    throw notReadable(constraintOf(issue))
  }
  throw invalidParameter(`1 validation error detected: ${constraintOf(issue)}`)
}

function json(body: Uint8Array): Record<string, unknown> {
  try {
    return parseJsonObject(body)
  } catch (cause) {
    throw notReadable('Expected a JSON object for the request body.', cause)
  }
}

const notReadable = (message: string, cause?: unknown): BoxletError =>
  new BoxletError('REQUEST_INVALID', message, { cause, details: { aws: 'SerializationException' } })

export const invalidParameter = (message: string): BoxletError =>
  new BoxletError('REQUEST_INVALID', message, { details: { aws: 'InvalidParameterException' } })
