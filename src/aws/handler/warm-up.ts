import type { Detector } from '../../detector.ts'
import { pictureDims } from '../../detector-input.ts'
import { loadSharp } from '../../image/load-sharp.ts'

/** Edge of the smallest picture that every graph of free size takes, and runs in a few milliseconds. */
const SMALL = 64

/**
 * What the first call would otherwise pay for. How far to go depends on who waits:
 *
 * - `full`: a detection at full size. Right with provisioned concurrency, where nobody waits for the start.
 * - `small`: a run of the graph at a small size where it takes any, which brings every kernel into memory.
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
  const { input, extraInputs } = detector.runs
  if (how === 'full') return detector.warmUp()
  if (how === 'none' || input.dynamic === undefined || extraInputs.length > 0) return
  const dims = pictureDims(input.layout, { width: SMALL, height: SMALL }, 1)
  const data = new ARRAYS[input.dtype](SMALL * SMALL * 3)
  await detector.infer(new Map([[input.name, { type: input.dtype, dims, data }]]))
}

const ARRAYS = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array, int8: Int8Array } as const

/** The smallest JPEG that exercises the decoder. */
const ONE_PIXEL = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z',
  'base64',
)
