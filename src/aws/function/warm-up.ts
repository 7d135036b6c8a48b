import { BoxletError } from '../../errors.ts'
import { decodeImage } from '../../image/decode/decode.ts'

/**
 * What the first call would otherwise pay for. How far to go depends on who waits:
 *
 * - `full`: a detection at full size. Right with provisioned concurrency, where nobody waits for the start.
 * - `none`: only the decode library, which loads beside the model. A caller who waits for the start would wait longer
 *   for a run before its own than that saves; a run at a small size saves nothing at all.
 */
export type WarmUp = 'full' | 'none'

/** @throws BoxletError CONFIG_INVALID for a value of `BOXLET_WARM_UP` that is neither */
export function chosenWarmUp(env: Record<string, string | undefined>): WarmUp {
  const given = env.BOXLET_WARM_UP
  if (given === 'full' || given === 'none') {
    return given
  }
  if (given !== undefined && given !== '') {
    throw new BoxletError(
      'CONFIG_INVALID',
      `Expected full or none for BOXLET_WARM_UP but received "${given}".`,
      { hint: 'Leave it out for the usual: full with provisioned concurrency, else none.' },
    )
  }
  return env.AWS_LAMBDA_INITIALIZATION_TYPE === 'provisioned-concurrency' ? 'full' : 'none'
}

/** A grey pixel, decoded on another thread while the session opens on this one. */
export async function warmDecoder(): Promise<void> {
  await decodeImage(ONE_PIXEL)
}

/** The smallest JPEG that exercises the decoder. */
const ONE_PIXEL = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z',
  'base64',
)
