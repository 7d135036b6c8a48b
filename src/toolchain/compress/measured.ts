import type { Dataset } from '../../datasets/dataset.ts'
import { BoxletError } from '../../errors.ts'
import { readDraft } from '../graph/read-draft.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { agreement, averagePrecision, findAll } from '../measure/agreement.ts'
import { bundledDataset } from '../measure/bundled.ts'
import { type Fidelity, isSameDetector, LEAST_AGREEMENT } from '../measure/limits.ts'
import { openBytes } from '../measure/open-bytes.ts'
import type { ModelSource } from '../source.ts'
import { compressWeights, type Storage } from './compress.ts'

/** Shares of the layers that are left to float16, until the agreement is reached. */
const HALF_SHARES = [0, 0.25, 0.5]

export interface CompressedModel extends Fidelity {
  bytes: Uint8Array
  /** Bytes of the files. */
  before: number
  after: number
  /** Weights that are stored small. */
  stored: number
  /** Share of the layers, from the picture on, that int8 left to float16. */
  halfShare: number
  pictures: number
}

/**
 * Stores weights small and compares what both files find.
 *
 * @param data pictures, labelled or not; three made of a photo that comes with Boxlet where there are none
 * @throws BoxletError MODEL_OUTPUT below `LEAST_AGREEMENT`, ABORTED, and all that reading and running throws
 */
export async function compressModel(
  { bytes, contract, given }: ModelSource,
  to: Storage,
  data: Dataset | undefined,
  options: { signal?: AbortSignal; onProgress?: (done: number) => void } = {},
): Promise<CompressedModel> {
  await using own = data === undefined ? await bundledDataset() : undefined
  const dataset = data ?? own!.dataset
  let runs = 0
  const measured = async (file: Uint8Array, name: string) => {
    await using detector = await openBytes(file, contract)
    const from = dataset.images.length * runs++
    const onProgress = (done: number) => options.onProgress?.(from + done)
    return await findAll(detector, name, dataset, { signal: options.signal, onProgress })
  }
  const reference = await measured(bytes, 'as given')
  const before = averagePrecision(dataset, reference)
  let best = 0
  for (const halfShare of to === 'int8' ? HALF_SHARES : [0]) {
    const draft = readDraft(bytes)
    const { stored } = compressWeights(draft, to, halfShare)
    const after = writeDraft(draft)
    const found = await measured(after, to)
    const { f1, ap50 } = agreement(dataset, reference, found)
    const ap = averagePrecision(dataset, found)
    const fidelity: Fidelity = {
      f1,
      ap50,
      ap: before === undefined || ap === undefined ? undefined : { before, after: ap },
    }
    best = Math.max(best, ap50)
    if (!isSameDetector(fidelity)) {
      continue
    }
    return {
      bytes: after,
      before: given,
      after: after.length,
      stored,
      halfShare,
      pictures: found.results.length,
      ...fidelity,
    }
  }
  throw new BoxletError(
    'MODEL_OUTPUT',
    `Expected an agreement of at least ${LEAST_AGREEMENT} with the given file but ${to} weights give ${best.toFixed(3)}.`,
    { hint: to === 'int8' ? 'Nothing was written. Try --to float16.' : 'Nothing was written.' },
  )
}
