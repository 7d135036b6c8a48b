import { fixedBatch } from '../../detector/batch.ts'
import { feeds } from '../../detector/feeds.ts'
import { place, prepare } from '../../detector/pipeline.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { Contract } from '../../model/contract.ts'
import type { Tensor } from '../../model/tensor.ts'
import { openSession } from '../../runtime/session.ts'
import { fromHalf } from '../../system/half.ts'

/** The largest difference that is rounding: sums in another order give less, a wrong rewrite gives far more. */
export const SAME = 1e-4

export interface OutputDifference {
  output: string
  /** Largest |a − b| / max(1, |a|) over all values and pictures; infinite where sizes differ. */
  largest: number
}

/**
 * What two files give for the same pictures. Pixel coordinates reach hundreds, where a float32 has a step of 6e-5, so
 * that values above one are compared by their size.
 *
 * @param contract of the input of both, of one size
 * @throws BoxletError MODEL_RUN_FAILED
 */
export async function outputDifference(
  before: Uint8Array,
  after: Uint8Array,
  contract: Contract,
  pictures: readonly RgbImage[],
): Promise<OutputDifference[]> {
  await using first = await opened(before)
  await using second = await opened(after)
  const largest = new Map<string, number>()
  for (const picture of pictures) {
    const prepared = prepare(place(picture, contract), contract)
    const [a, b] = [first.session, second.session]
    const given = feeds(contract, [prepared], fixedBatch({ contract, session: a }))
    const expected = await a.run(given)
    const batch = fixedBatch({ contract, session: b })
    const received = await b.run(batch === 1 ? given : feeds(contract, [prepared], batch))
    for (const [name, tensor] of received) {
      const reference = expected.get(name)
      const difference =
        reference === undefined ? Number.POSITIVE_INFINITY : tensorDifference(reference, tensor)
      largest.set(name, Math.max(largest.get(name) ?? 0, difference))
    }
  }
  return [...largest].map(([output, difference]) => ({ output, largest: difference }))
}

async function opened(bytes: Uint8Array) {
  const session = await openSession(bytes, { threads: 1 })
  return { session, [Symbol.asyncDispose]: () => session.release() }
}

/** A batch of one picture repeated holds the result as often. */
function tensorDifference(a: Tensor, b: Tensor): number {
  const copies = a.data.length === 0 ? (b.data.length === 0 ? 0 : Number.NaN) : b.data.length / a.data.length
  if (!Number.isInteger(copies)) {
    return Number.POSITIVE_INFINITY
  }
  const number = (tensor: Tensor, at: number): number =>
    tensor.type === 'float16' ? fromHalf(Number(tensor.data[at])) : Number(tensor.data[at])
  let largest = 0
  for (let at = 0; at < b.data.length; at++) {
    const x = number(a, at % a.data.length)
    const y = number(b, at)
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) {
      continue
    }
    const difference = Math.abs(x - y) / Math.max(1, Math.abs(x))
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference)
  }
  return largest
}
