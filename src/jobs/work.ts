import { createHash } from 'node:crypto'
import type { DetectOptions, DetectResult, ModelInfo } from '../detector/types.ts'
import { BoxletError, type ErrorKind, toBoxletError } from '../errors.ts'
import { altText } from '../formats/alt-text.ts'
import { nativeFound, nativeModel } from '../formats/native.ts'
import type { BlobRef } from './blob-store.ts'
import type { FoundPicture, JobError, JobOptions, PictureOutcome, PictureSource } from './job.ts'
import type { StartedPicture, StoredModel } from './job-store.ts'
import { mayPass } from './retry.ts'
import { isUncertain, judge, type Policy } from './rules.ts'

/** What the runner needs of a detector. */
export interface JobDetector {
  readonly model: ModelInfo
  detect(bytes: Uint8Array, options: DetectOptions): Promise<DetectResult>
}

/** What work on a picture needs of the machine that it runs on. */
export interface Workplace {
  /** @param tenant whose job it is, where some places are for some only */
  read(source: PictureSource, signal: AbortSignal, tenant: string): Promise<Uint8Array>
  /** Whether others have to do this model's pictures; all are done here where it is left out. */
  lacks?(model: string): boolean
  /** @throws BoxletError MODEL_NOT_FOUND */
  detector(model: string | undefined): Promise<JobDetector>
  draw(
    bytes: Uint8Array,
    result: DetectResult,
    format: NonNullable<JobOptions['annotate']>,
  ): Promise<Uint8Array>
  /** Keeps bytes in the store's own bucket. */
  keep(bytes: Uint8Array): Promise<BlobRef>
  saveModel(key: string, model: StoredModel): Promise<void>
  policy?: Policy
  /** Scores between which a picture is kept for labelling. */
  uncertainBand?: readonly [number, number]
}

/** Faults of one picture. All others are of the service, and another try may go better. */
const OF_THE_PICTURE: readonly ErrorKind[] = ['input', 'missing', 'limit', 'usage', 'refused']

/**
 * Works on one picture.
 *
 * @param slot waits for a place to detect in; gives what frees it
 * @throws BoxletError what may pass, so that the picture is to be tried again
 */
export async function workOn(
  { ref, picture, options }: StartedPicture,
  place: Workplace,
  slot: (signal: AbortSignal) => Promise<() => void>,
  signal: AbortSignal,
): Promise<PictureOutcome> {
  try {
    const detector = await place.detector(options.model)
    const bytes = await place.read(picture.source, signal, ref.tenant)
    const free = await slot(signal)
    let result: DetectResult
    try {
      result = await detector.detect(bytes, { ...options.detect, signal })
    } finally {
      free()
    }
    return { state: 'succeeded', found: await foundOf(picture.name, bytes, result, detector, options, place) }
  } catch (error) {
    signal.throwIfAborted()
    const known = toBoxletError(error)
    if (mayPass(known) || !OF_THE_PICTURE.includes(known.kind)) {
      throw known
    }
    return { state: 'failed', error: jobError(known) }
  }
}

async function foundOf(
  name: string,
  bytes: Uint8Array,
  result: DetectResult,
  { model }: JobDetector,
  { annotate }: JobOptions,
  place: Workplace,
): Promise<FoundPicture> {
  const { detections } = result
  const verdict = place.policy === undefined ? undefined : judge(place.policy, detections)
  const uncertain = place.uncertainBand !== undefined && isUncertain(place.uncertainBand, detections)
  const key = modelKey(model)
  await place.saveModel(key, { model: nativeModel(model), contract: model.contract })
  return {
    image: nativeFound(name, result),
    model: key,
    altText: altText(detections),
    ...(verdict !== undefined && { verdict }),
    ...(uncertain && { uncertain, kept: await place.keep(bytes) }),
    ...(annotate !== undefined && { annotated: await place.keep(await place.draw(bytes, result, annotate)) }),
  }
}

/** The same file under another contract is another model. */
function modelKey({ sha256, contract }: ModelInfo): string {
  const digest = createHash('sha256').update(JSON.stringify(contract)).digest('hex')
  return `${sha256}-${digest.slice(0, 12)}`
}

export function jobError(error: BoxletError): JobError {
  const { code, message, hint } = error
  return { code, message, ...(hint !== undefined && { hint }) }
}

export const lateError = (ms: number): BoxletError =>
  new BoxletError('TIMEOUT', `Expected the picture to be done within ${ms} ms but it took longer.`)
