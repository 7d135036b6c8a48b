import { createHash } from 'node:crypto'
import type { DetectCustomLabelsCommandOutput, DetectLabelsCommandOutput } from '@aws-sdk/client-rekognition'
import type { DetectOptions, DetectResult, ImageInput } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import { pictureForRekognition, type SentPicture } from './rekognition-picture.ts'
import type { Subject } from './subject.ts'

export interface RekognitionOptions {
  /** ARN of a Custom Labels project version that is running; without it, DetectLabels. */
  project?: string
  region?: string
  /** For tests: where to send instead. */
  endpoint?: string
  /** Requests at once; new accounts allow a few calls a second. */
  inFlight?: number
}

/** Below the five calls a second that a new account may make, at usual answer times. */
const DEFAULT_IN_FLIGHT = 4
/** Most labels that one answer may hold. */
const MAX_LABELS = 1000

type Box = {
  Left?: number | undefined
  Top?: number | undefined
  Width?: number | undefined
  Height?: number | undefined
}

/**
 * Amazon Rekognition in the user's own account, by the SDK's usual search for credentials. Every picture is a
 * paid call. Labels are Rekognition's names, and the class id of a detection means nothing.
 *
 * Only instances count: DetectLabels also names things without saying where they are.
 */
export async function openRekognition(options: RekognitionOptions = {}): Promise<Subject> {
  // Half a second of loading that no other evaluation should pay.
  const sdk = await import('@aws-sdk/client-rekognition').catch((cause: unknown) => {
    throw new BoxletError(
      'AWS_FAILED',
      'Expected the AWS SDK package @aws-sdk/client-rekognition but it is not installed.',
      {
        cause,
        hint: 'Run npm install @aws-sdk/client-rekognition.',
      },
    )
  })
  const client = new sdk.RekognitionClient({
    ...defined({ region: options.region, endpoint: options.endpoint }),
    // Throttling is usual in new accounts; the adaptive mode slows down instead of failing.
    retryMode: 'adaptive',
    maxAttempts: 8,
  })
  const { project } = options
  const ask = (picture: SentPicture, detect: DetectOptions): Promise<Found[]> => {
    const sending = detect.signal === undefined ? {} : { abortSignal: detect.signal }
    const answer =
      project === undefined
        ? client.send(new sdk.DetectLabelsCommand(labelsRequest(picture, detect)), sending).then(fromLabels)
        : client
            .send(new sdk.DetectCustomLabelsCommand(customRequest(picture, project, detect)), sending)
            .then(fromCustom)
    return answer.catch((cause: unknown) => {
      throw rekognitionError(cause, detect.signal)
    })
  }
  return {
    info: {
      name: options.project === undefined ? 'Amazon Rekognition' : 'Rekognition Custom Labels',
      kind: 'rekognition',
    },
    labels: [],
    inFlight: options.inFlight ?? DEFAULT_IN_FLIGHT,
    jobs: options.inFlight ?? DEFAULT_IN_FLIGHT,
    cacheKey: (detect) => paidKey(project, options.region, detect),
    detect: (image, detect) => detectOne(image, detect, ask),
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

/** Every call is paid, so answers are kept, although a new release of the service may answer otherwise. */
function paidKey(
  project: string | undefined,
  region: string | undefined,
  { minScore }: DetectOptions,
): string {
  const text = JSON.stringify([project ?? 'DetectLabels', region ?? null, minScore ?? null])
  return `rekognition-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

interface Found {
  label: string
  score: number
  box: Box
}

const labelsRequest = (picture: SentPicture, { minScore }: DetectOptions) => ({
  Image: { Bytes: picture.bytes },
  MaxLabels: MAX_LABELS,
  ...minConfidence(minScore),
})

const customRequest = (picture: SentPicture, project: string, { minScore }: DetectOptions) => ({
  Image: { Bytes: picture.bytes },
  ProjectVersionArn: project,
  ...minConfidence(minScore),
})

/** Without one, Rekognition's own default decides, as for everyone who calls it without. */
const minConfidence = (minScore: number | undefined) =>
  minScore === undefined ? {} : { MinConfidence: minScore * 100 }

const fromLabels = ({ Labels }: DetectLabelsCommandOutput): Found[] =>
  (Labels ?? []).flatMap(({ Name, Instances }) =>
    (Instances ?? []).map(({ BoundingBox, Confidence }) => ({
      label: Name ?? '',
      score: (Confidence ?? 0) / 100,
      box: BoundingBox ?? {},
    })),
  )

const fromCustom = ({ CustomLabels }: DetectCustomLabelsCommandOutput): Found[] =>
  (CustomLabels ?? []).flatMap(({ Name, Confidence, Geometry }) =>
    Geometry?.BoundingBox === undefined
      ? []
      : [{ label: Name ?? '', score: (Confidence ?? 0) / 100, box: Geometry.BoundingBox }],
  )

function rekognitionError(cause: unknown, signal: AbortSignal | undefined): BoxletError {
  const { name = 'Error' } = cause as { name?: string }
  if (signal?.aborted) {
    return new BoxletError('ABORTED', 'Expected the work to finish but it was cancelled.', { cause })
  }
  if (name === 'InvalidImageFormatException' || name === 'ImageTooLargeException') {
    return new BoxletError(
      'IMAGE_FORMAT',
      `Expected a picture that Rekognition takes but it answered ${name}.`,
      { cause },
    )
  }
  const hints: Record<string, string> = {
    CredentialsProviderError: 'Sign in with the AWS CLI, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    AccessDeniedException: 'The identity needs rekognition:DetectLabels or rekognition:DetectCustomLabels.',
    ResourceNotReadyException: 'Start the Custom Labels model first; it is billed for as long as it runs.',
    ResourceNotFoundException: 'Check the ARN of the project version and the region.',
  }
  const hint = hints[name]
  return new BoxletError('AWS_FAILED', `Expected an answer from Rekognition but received ${name}.`, {
    cause,
    ...defined({ hint }),
  })
}

async function detectOne(
  image: ImageInput,
  options: DetectOptions,
  ask: (picture: SentPicture, options: DetectOptions) => Promise<Found[]>,
): Promise<DetectResult> {
  const picture = await pictureForRekognition(image)
  const start = performance.now()
  const found = await ask(picture, options)
  const total = performance.now() - start
  const { width, height } = picture.original
  const detections = found
    .filter(({ score }) => score >= (options.minScore ?? 0))
    .map(({ label, score, box }) => {
      const [x1, y1] = [(box.Left ?? 0) * width, (box.Top ?? 0) * height]
      return {
        label,
        classId: -1,
        score,
        box: { x1, y1, x2: x1 + (box.Width ?? 0) * width, y2: y1 + (box.Height ?? 0) * height },
      }
    })
    .sort((a, b) => b.score - a.score)
  return {
    image: picture.original,
    detections,
    timings: { decode: 0, prepare: 0, run: total, boxes: 0, total },
  }
}
