import type { ModerationLabel } from '../../../formats/rekognition-schema.ts'
import type { Policy, Verdict } from '../../../jobs/rules.ts'
import { judge } from '../../../jobs/rules.ts'
import type { Call } from '../../call.ts'
import { detectOne, detectorFor, type Service } from '../../service.ts'
import { checkSize, DETECT_LABELS, imageLimits, limitsOf, pictureBytes } from './picture.ts'
import { invalidParameter, parseDetectModerationLabels } from './request.ts'

const DEFAULT_MIN_CONFIDENCE = 50
/** Confidence 0 means everything; a dense head would then give its whole grid as boxes. */
const LEAST_SCORE = 0.01
/** Names the rules, not a model of Amazon's. */
export const MODERATION_VERSION = 'boxlet-policy'

/** `DetectModerationLabels`: what the policy of the service says of the picture. */
export async function detectModerationLabels(
  body: Uint8Array,
  service: Service,
  call: Call,
): Promise<unknown> {
  const { Image, MinConfidence } = parseDetectModerationLabels(body)
  const policy = policyOf(service)
  const limits = limitsOf(service, DETECT_LABELS)
  const bytes = await pictureBytes(Image, limits, service, call)
  const detector = await detectorFor(service, call, undefined)
  const result = await detectOne(service, call, detector, bytes, {
    minScore: leastScoreOf(policy),
    consume: true,
    ...imageLimits(limits),
  })
  checkSize(result.image, limits)
  const verdict = judge(policy, result.detections)
  return {
    ModerationLabels: moderationLabels(verdict, MinConfidence ?? DEFAULT_MIN_CONFIDENCE),
    ModerationModelVersion: MODERATION_VERSION,
    ContentTypes: [],
  }
}

/** @throws BoxletError InvalidParameterException where the service was started without a policy */
export function policyOf({ options: { policy } }: Service): Policy {
  if (policy === undefined) {
    throw invalidParameter('Moderation labels come from a policy, and this service was started without one')
  }
  return policy
}

/** What the rules ask for has to be found before they can judge it. */
export const leastScoreOf = ({ deny, review }: Policy): number =>
  Math.max(LEAST_SCORE, Math.min(1, ...[...deny, ...review].map(({ minScore }) => minScore)))

/** One label a rule, and one for each category above, as confident as the best below it. */
export function moderationLabels(verdict: Verdict | undefined, minConfidence: number): ModerationLabel[] {
  const labels = new Map<string, ModerationLabel>()
  const add = (Name: string, ParentName: string, Confidence: number): void => {
    const known = labels.get(Name)
    labels.set(Name, {
      Name,
      ParentName,
      Confidence: Math.max(known?.Confidence ?? 0, Confidence),
      TaxonomyLevel: ParentName === '' ? 1 : 2,
    })
  }
  for (const { label, name = label, category, score } of verdict?.matches ?? []) {
    const confidence = Math.round(score * 1e6) / 1e4
    if (confidence >= minConfidence) {
      if (category !== undefined) {
        add(category, '', confidence)
      }
      add(name, category ?? '', confidence)
    }
  }
  return [...labels.values()].sort((a, b) => b.Confidence - a.Confidence)
}
