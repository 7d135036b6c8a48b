import type { Detector } from '../../detector.ts'
import { loadSharp } from '../../image/load-sharp.ts'

/** Any model that takes pictures of free size takes this one, and runs it in a few milliseconds. */
const SMALL = 64

/**
 * What the first call would otherwise pay for. How far to go depends on who waits:
 *
 * - `full`: a run at full size. Right with provisioned concurrency, where nobody waits for the start.
 * - `small`: a run on a small picture where the graph takes any size, which loads every kernel for little.
 * - `none`: only the decode library.
 *
 * A full run before the first call would cost that call more than it saves, since it waits for both.
 */
export type WarmUp = 'full' | 'small' | 'none'

export function chosenWarmUp(env: Record<string, string | undefined>): WarmUp {
  const given = env.BOXLET_WARM_UP
  if (given === 'full' || given === 'small' || given === 'none') return given
  return env.AWS_LAMBDA_INITIALIZATION_TYPE === 'provisioned-concurrency' ? 'full' : 'small'
}

/** A grey pixel, decoded on another thread while the session opens on this one. */
export async function warmDecoder(): Promise<void> {
  const sharp = await loadSharp()
  await sharp(ONE_PIXEL).raw().toBuffer()
}

export async function warmDetector(detector: Detector, how: WarmUp): Promise<void> {
  const { input } = detector.model.contract
  if (how === 'full') return detector.warmUp()
  if (how === 'none' || input.dynamic === undefined) return
  await detector.detect({ width: SMALL, height: SMALL, data: new Uint8Array(SMALL * SMALL * 3) })
}

/** The smallest JPEG that exercises the decoder. */
const ONE_PIXEL = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z',
  'base64',
)
