import { z } from 'zod'
import { BoxletError } from '../../errors.ts'
import { parseJsonObject } from '../json-body.ts'

const filters = z.array(z.string().max(128)).max(100).nullish()
const percent = z.number().min(0).max(100).nullish()

const image = z.object({
  Bytes: z.string().nullish(),
  S3Object: z
    .object({
      Bucket: z.string().min(3).max(255),
      Name: z.string().min(1).max(1024),
      Version: z.string().min(1).max(1024).nullish(),
    })
    .nullish(),
})

const detectLabels = z.object({
  Image: image,
  MaxLabels: z.int().min(0).nullish(),
  MinConfidence: percent,
  Features: z
    .array(z.enum(['GENERAL_LABELS', 'IMAGE_PROPERTIES']))
    .max(2)
    .nullish(),
  Settings: z
    .object({
      GeneralLabels: z
        .object({
          LabelInclusionFilters: filters,
          LabelExclusionFilters: filters,
          LabelCategoryInclusionFilters: filters,
          LabelCategoryExclusionFilters: filters,
        })
        .nullish(),
      ImageProperties: z.object({ MaxDominantColors: z.int().min(0).max(12).nullish() }).nullish(),
    })
    .nullish(),
})

const detectCustomLabels = z.object({
  ProjectVersionArn: z.string().min(20).max(2048),
  Image: image,
  MaxResults: z.int().min(0).nullish(),
  MinConfidence: percent,
})

export type RekognitionImage = z.infer<typeof image>
export type DetectLabelsRequest = z.infer<typeof detectLabels>
export type DetectCustomLabelsRequest = z.infer<typeof detectCustomLabels>

export const parseDetectLabels = (body: Uint8Array): DetectLabelsRequest => parse(detectLabels, body)
export const parseDetectCustomLabels = (body: Uint8Array): DetectCustomLabelsRequest =>
  parse(detectCustomLabels, body)

/** The wording of the service's own checks, with the member that failed. */
function parse<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  const parsed = schema.safeParse(json(body))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const member = issue?.path.map(String).join('.') || 'the request'
  throw invalidParameter(
    `1 validation error detected: ${member} failed to satisfy constraint: ${issue?.message}`,
  )
}

function json(body: Uint8Array): Record<string, unknown> {
  try {
    return parseJsonObject(body)
  } catch (cause) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a JSON object for the request body.', {
      cause,
      details: { aws: 'SerializationException' },
    })
  }
}

export const invalidParameter = (message: string): BoxletError =>
  new BoxletError('REQUEST_INVALID', message, { details: { aws: 'InvalidParameterException' } })
