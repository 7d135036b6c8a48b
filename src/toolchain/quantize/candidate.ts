import type { Contract } from '../../model/contract.ts'
import type { Draft, DraftNode } from '../graph/draft.ts'
import { writeDraft } from '../graph/write-draft.ts'
import type { Statistics } from './calibrate.ts'
import { writeQuantized } from './qdq.ts'
import { type RangeMethod, rangeOf, type Scaling, scalingOf } from './ranges.ts'
import { PARTS, type Region } from './region.ts'

/** One way of quantizing. */
export interface Choice {
  method: RangeMethod
  /** Parts, from the picture on, that stay float. */
  floatParts: number
}

/** The float graph with all that calibration found. */
export interface Calibrated {
  draft: Draft
  region: Region
  statistics: Statistics
  contract: Contract
}

/** The file of a choice. */
export function quantized(at: Calibrated, choice: Choice): Uint8Array {
  const { region } = at
  return written(
    at,
    choice.method,
    (node) => (region.partOf.get(node) ?? 0) >= choice.floatParts && !region.last.has(node),
  )
}

/** The file with one part alone in whole numbers, to see what that part costs. */
export const onePart = (
  at: Calibrated,
  method: RangeMethod,
  part: number,
  outputs: readonly { name: string }[],
): Uint8Array =>
  written(at, method, (node) => at.region.partOf.get(node) === part && !at.region.last.has(node), outputs)

export const allParts = Array.from({ length: PARTS }, (_, part) => part)

function written(
  { draft, region, statistics, contract }: Calibrated,
  method: RangeMethod,
  isChosen: (node: DraftNode) => boolean,
  outputs?: readonly { name: string }[],
): Uint8Array {
  const copies = new Map(
    draft.nodes.map((node) => [node, { ...node, inputs: [...node.inputs], outputs: [...node.outputs] }]),
  )
  const copy: Draft = { ...draft, nodes: [...copies.values()], constants: new Map(draft.constants) }
  const nodes = new Set(region.nodes.filter(isChosen).map((node) => copies.get(node)!))
  const scalings = new Map<string, Scaling>(
    [...statistics.values].map(([name, seen]) => [name, rangeOf(seen, method)]),
  )
  scalings.set(contract.input.name, pixelScaling(contract))
  for (const { op, outputs } of region.nodes) {
    if (op === 'Sigmoid') {
      scalings.set(outputs[0]!, scalingOf(0, 1))
    }
  }
  const means = new Map(
    [...statistics.means].map(([name, sums]) => [name, sums.map((sum) => sum / statistics.readable)]),
  )
  writeQuantized(copy, { nodes, scalings, means })
  return writeDraft(copy, outputs)
}

/** All pixels that there can be, so that codes are the pixels themselves where no mean is taken away. */
function pixelScaling({ input }: Contract): Scaling {
  const low = Math.min(...input.mean.map((mean, channel) => -mean / input.std[channel]!))
  const high = Math.max(...input.mean.map((mean, channel) => (255 - mean) / input.std[channel]!))
  return scalingOf(low, high)
}
