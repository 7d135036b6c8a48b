import type { PixelBox, Size } from '../../../boxes/box.ts'
import { fromRatio } from '../../../boxes/box.ts'
import type { DetectResult, RgbImage } from '../../../detector/types.ts'
import { filterLabels, toLabels } from '../../../formats/rekognition.ts'
import type { ImageProperties, Label } from '../../../formats/rekognition-schema.ts'
import type { Call } from '../../call.ts'
import { detectOne, detectorFor, type Service } from '../../service.ts'
import { checkSize, DETECT_LABELS, imageLimits, limitsOf, pictureBytes } from './picture.ts'
import { type DetectLabelsRequest, invalidParameter, parseDetectLabels } from './request.ts'

const DEFAULT_MIN_CONFIDENCE = 55
const DEFAULT_MAX_LABELS = 1000
const DEFAULT_MAX_COLOURS = 10
/** Confidence 0 means everything; a dense head would then give its whole grid as boxes. */
const LEAST_SCORE = 0.01

/** `DetectLabels`. */
export async function detectLabels(body: Uint8Array, service: Service, call: Call): Promise<unknown> {
  const request = parseDetectLabels(body)
  const features = new Set(request.Features ?? ['GENERAL_LABELS'])
  checkFeatures(request, features)
  const limits = limitsOf(service, DETECT_LABELS)
  const bytes = await pictureBytes(request.Image, limits, service, call)
  const detector = await detectorFor(service, call, undefined)
  const minScore = Math.max(LEAST_SCORE, (request.MinConfidence ?? DEFAULT_MIN_CONFIDENCE) / 100)
  const result = await detectOne(service, call, detector, bytes, {
    minScore,
    consume: !features.has('IMAGE_PROPERTIES'),
    ...imageLimits(limits),
  })
  checkSize(result.image, limits)
  const labels = features.has('GENERAL_LABELS') ? chosen(request, result) : []
  const most = request.Settings?.ImageProperties?.MaxDominantColors ?? DEFAULT_MAX_COLOURS
  return {
    ...(features.has('GENERAL_LABELS') ? { Labels: labels } : {}),
    LabelModelVersion: '3.0',
    // Boxes lie in the upright picture: nothing is left for the caller to turn.
    OrientationCorrection: 'ROTATE_0',
    ...(features.has('IMAGE_PROPERTIES') ? await withProperties(bytes, result, labels, most, call) : {}),
  }
}

/** These two only mean something where labels are asked for, and the service says so. */
function checkFeatures(request: DetectLabelsRequest, features: ReadonlySet<string>): void {
  if (features.size === 0) {
    throw invalidParameter('Request has Invalid Parameters')
  }
  const labelOptions = request.MaxLabels != null || request.MinConfidence != null
  if (!features.has('GENERAL_LABELS') && (labelOptions || request.Settings?.GeneralLabels != null)) {
    throw invalidParameter('MaxLabels, MinConfidence and GeneralLabels need the feature GENERAL_LABELS')
  }
  if (!features.has('IMAGE_PROPERTIES') && request.Settings?.ImageProperties != null) {
    throw invalidParameter('ImageProperties needs the feature IMAGE_PROPERTIES')
  }
}

function chosen({ Settings, MaxLabels }: DetectLabelsRequest, { detections, image }: DetectResult): Label[] {
  const { LabelInclusionFilters, LabelExclusionFilters, ...categories } = Settings?.GeneralLabels ?? {}
  const labels = filterLabels(toLabels(detections, image), {
    LabelInclusionFilters: LabelInclusionFilters ?? [],
    LabelExclusionFilters: LabelExclusionFilters ?? [],
    LabelCategoryInclusionFilters: categories.LabelCategoryInclusionFilters ?? [],
    LabelCategoryExclusionFilters: categories.LabelCategoryExclusionFilters ?? [],
  })
  return labels.slice(0, MaxLabels || DEFAULT_MAX_LABELS)
}

/** Colours and quality of the picture, and the colours of each instance, written into the labels. */
async function withProperties(
  bytes: Uint8Array,
  { detections, image }: DetectResult,
  labels: Label[],
  most: number,
  call: Call,
): Promise<{ ImageProperties: ImageProperties }> {
  const { imageProperties, coloursInside } = await import('../../../formats/rekognition-properties.ts')
  const { thumbnail } = await import('../../../image/thumbnail.ts')
  const small = await thumbnail(bytes, call.signal)
  for (const label of labels) {
    for (const instance of label.Instances) {
      const { Left: left, Top: top, Width: width, Height: height } = instance.BoundingBox
      instance.DominantColors = coloursInside(small, fromRatio({ left, top, width, height }, small), most)
    }
  }
  const boxes = detections.map(({ box }) => onto(box, image, small))
  return { ImageProperties: imageProperties(small, boxes, most) }
}

const onto = (box: PixelBox, image: Size, small: RgbImage): PixelBox => ({
  x1: (box.x1 / image.width) * small.width,
  y1: (box.y1 / image.height) * small.height,
  x2: (box.x2 / image.width) * small.width,
  y2: (box.y2 / image.height) * small.height,
})
