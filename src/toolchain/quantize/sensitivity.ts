import type { Dataset } from '../../datasets/dataset.ts'
import { feeds } from '../../detector/feeds.ts'
import { place, prepare } from '../../detector/pipeline.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Contract } from '../../model/contract.ts'
import type { Tensor } from '../../model/tensor.ts'
import { openSession } from '../../runtime/session.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { placedPicture } from '../measure/pictures.ts'
import { allParts, type Calibrated, onePart } from './candidate.ts'
import type { RangeMethod } from './ranges.ts'

/** Pictures a part is tried on: errors of one part are much alike from picture to picture. */
const PICTURES = 4

export interface PartError {
  part: number
  /** Name of its first node's output, to find it in a viewer. */
  from: string
  /** Error of what the last layers give, as a share of their spread; mean of all of them. */
  error: number
}

/**
 * What each part of the graph alone costs in whole numbers, measured where the last layers end: boxes and scores on
 * one scale would hide it.
 *
 * @throws BoxletError ABORTED
 */
export async function sensitivity(
  at: Calibrated,
  method: RangeMethod,
  data: Dataset,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<PartError[]> {
  const { draft, region, contract } = at
  const outputs = [...region.last].map((node) => ({ name: node.outputs[0]! }))
  const inputs = await fedPictures(data, contract)
  const expected = await runAll(writeDraft(draft, outputs), inputs)
  const errors: PartError[] = []
  for (const part of allParts) {
    throwIfAborted(options.signal)
    const nodes = region.nodes.filter((node) => region.partOf.get(node) === part)
    if (nodes.every((node) => region.last.has(node))) {
      continue
    }
    const received = await runAll(onePart(at, method, part, outputs), inputs)
    errors.push({ part, from: nodes[0]?.outputs[0] ?? '', error: relativeError(expected, received) })
  }
  return errors
}

/** Inputs of some pictures of a set. */
export async function fedPictures(data: Dataset, contract: Contract): Promise<Map<string, Tensor>[]> {
  const inputs: Map<string, Tensor>[] = []
  for (const { path } of data.images.slice(0, PICTURES)) {
    const placed = await placedPicture(path, contract, () => {})
    if (placed !== undefined) {
      inputs.push(feeds(contract, [prepare(place(placed.pixels, contract), contract)]))
    }
  }
  return inputs
}

export async function runAll(
  bytes: Uint8Array,
  inputs: readonly Map<string, Tensor>[],
): Promise<Map<string, Tensor>[]> {
  const session = await openSession(bytes, { threads: 1 })
  try {
    const results: Map<string, Tensor>[] = []
    for (const given of inputs) {
      results.push(await session.run(given))
    }
    return results
  } finally {
    await session.release()
  }
}

/** Root mean square of the difference over the standard deviation, for each output; their mean. */
export function relativeError(
  expected: readonly Map<string, Tensor>[],
  received: readonly Map<string, Tensor>[],
): number {
  const shares: number[] = []
  for (const name of expected[0]?.keys() ?? []) {
    let [difference, sum, squares, count] = [0, 0, 0, 0]
    for (const [index, outputs] of expected.entries()) {
      const a = outputs.get(name)!.data as Float32Array
      const b = received[index]!.get(name)!.data as Float32Array
      for (let at = 0; at < a.length; at++) {
        difference += (a[at]! - b[at]!) ** 2
        sum += a[at]!
        squares += a[at]! ** 2
      }
      count += a.length
    }
    const variance = squares / count - (sum / count) ** 2
    shares.push(Math.sqrt(difference / count / Math.max(variance, 1e-12)))
  }
  return shares.reduce((total, share) => total + share, 0) / Math.max(1, shares.length)
}
