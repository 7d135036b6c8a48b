import { BoxletError } from '../../../errors.ts'
import { toCustomLabels } from '../../../formats/rekognition.ts'
import type { Call } from '../../call.ts'
import { detectOne, detectorFor, type Service } from '../../service.ts'
import { checkSize, DETECT_CUSTOM_LABELS, imageLimits, limitsOf, pictureBytes } from './picture.ts'
import { parseDetectCustomLabels } from './request.ts'

/** `arn:aws:rekognition:REGION:ACCOUNT:project/NAME/version/VERSION/TIME` */
const PROJECT_VERSION =
  /^arn:[a-z0-9-]+:rekognition:[a-z0-9-]*:\d*:project\/([^/]{1,255})\/version\/[^/]+\/\d+$/

const LEAST_SCORE = 0.01

/** `DetectCustomLabels`: the project in the ARN is the name of a model that is served. */
export async function detectCustomLabels(body: Uint8Array, service: Service, call: Call): Promise<unknown> {
  const { ProjectVersionArn, Image, MaxResults, MinConfidence } = parseDetectCustomLabels(body)
  const name = modelNamed(ProjectVersionArn, service)
  const limits = limitsOf(service, DETECT_CUSTOM_LABELS)
  const bytes = await pictureBytes(Image, limits, service, call)
  const detector = await detectorFor(service, call, name)
  const result = await detectOne(service, call, detector, bytes, {
    // Without a confidence the model's own thresholds apply, as the assumed thresholds do in the service.
    ...(MinConfidence == null ? {} : { minScore: Math.max(LEAST_SCORE, MinConfidence / 100) }),
    consume: true,
    ...imageLimits(limits),
  })
  checkSize(result.image, limits)
  const labels = toCustomLabels(result.detections, result.image)
  return { CustomLabels: MaxResults ? labels.slice(0, MaxResults) : labels }
}

export function modelNamed(arn: string, { options }: Service): string {
  const name = PROJECT_VERSION.exec(arn)?.[1]
  if (name === undefined) {
    throw new BoxletError('REQUEST_INVALID', 'ProjectVersionArn is not the ARN of a project version', {
      details: { aws: 'InvalidParameterException' },
    })
  }
  if (!options.detectors.names.includes(name)) {
    throw new BoxletError(
      'MODEL_NOT_FOUND',
      `No model is served under the project name of ProjectVersionArn`,
      {
        details: { aws: 'ResourceNotFoundException' },
      },
    )
  }
  return name
}
