import type { Dataset, DatasetImage } from '../../datasets/dataset.ts'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { type Draft, floatsOf, int } from '../graph/draft.ts'
import { readDraft } from '../graph/read-draft.ts'
import { dropUnused } from '../graph/rewire.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { agreement, averagePrecision, findAll } from '../measure/agreement.ts'
import { type Fidelity, isSameDetector } from '../measure/limits.ts'
import { openBytes } from '../measure/open-bytes.ts'
import { placedPicture } from '../measure/pictures.ts'
import { processorTimes } from '../measure/timing.ts'
import { calibrate, noStatistics } from '../quantize/calibrate.ts'
import { flatPicture, LEAST_GAIN } from '../quantize/quantize.ts'
import { findRegion } from '../quantize/region.ts'
import { fedPictures, relativeError, runAll } from '../quantize/sensitivity.ts'
import { knownShapes } from '../simplify/fold.ts'
import { applyPasses } from '../simplify/simplify.ts'
import type { ModelSource } from '../source.ts'
import { type ChannelGroups, channelGroups } from './groups.ts'
import { removeChannels } from './remove.ts'

/** Kernels of the runtime work on blocks of this many channels; a block that is not full takes as long as one that is. */
const BLOCK = 8
const ROUNDS = 7

export interface LayerSensitivity {
  /** Name of what the layer gives. */
  layer: string
  channels: number
  /** Channels that the wanted share takes. */
  taken: number
  /** Error of the last layers when they go, as a share of their spread. */
  error: number
}

export interface Pruned {
  verdict: 'good' | 'slower' | 'unlike'
  bytes: Uint8Array
  fidelity: Fidelity
  /** Processor milliseconds of a picture, before and after. */
  ms: { before: number; after: number }
  /** Least harmful first. */
  layers: LayerSensitivity[]
  /** Layers that lost channels, and weights before and after. */
  pruned: number
  weights: { before: number; after: number }
  pictures: number
}

export interface PruneOptions {
  /** Share of the channels of a layer that stays. */
  keep: number
  calibration: readonly DatasetImage[]
  evaluation: Dataset
  signal?: AbortSignal | undefined
  onProgress?: (done: number, total: number) => void
}

/** Channels that go together, of one or several layers. */
interface Family {
  layer: string
  channels: number
  /** Roots of the groups to take, the least important. */
  gone: number[]
}

/**
 * Takes the least important channels out whole, layer by layer from the least harmful on, as long as the file stays the
 * same detector. What the mean of a channel gave to the next layer goes into the bias of that layer.
 *
 * @throws BoxletError MODEL_UNSUPPORTED where no channel can go, DATASET_INVALID, ABORTED
 */
export async function pruneModel({ bytes, contract }: ModelSource, options: PruneOptions): Promise<Pruned> {
  const { keep, calibration, evaluation, signal } = options
  const draft = readDraft(bytes)
  await applyPasses(draft, contract)
  const groups = channelGroups(draft, knownShapes(draft))
  const families = familiesOf(draft, groups, keep)
  if (families.length === 0) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected layers with channels that nothing else needs but "${contract.name}" has none.`,
    )
  }
  const steps = families.length + Math.ceil(Math.log2(families.length + 1)) + 1
  let done = 0
  const step = () => options.onProgress?.(++done, steps)
  const means = await meansOf(draft, contract, calibration, signal)
  const cut = (chosen: readonly Family[], outputs?: readonly { name: string }[]): Uint8Array => {
    const copy: Draft = {
      ...draft,
      nodes: draft.nodes.map((node) => ({ ...node, inputs: [...node.inputs], outputs: [...node.outputs] })),
      constants: new Map(draft.constants),
    }
    removeChannels(copy, groups, new Set(chosen.flatMap(({ gone }) => gone)), means)
    dropUnused(copy)
    return writeDraft(copy, outputs)
  }
  const layers = await sensitivityOf(draft, contract, families, evaluation, cut, step, signal)
  const order = layers.map(({ layer }) => families.find((family) => family.layer === layer)!)
  await using float = await openBytes(bytes, contract)
  const reference = await findAll(float, 'as given', evaluation, { signal })
  step()
  const before = averagePrecision(evaluation, reference)
  const measured = async (count: number) => {
    throwIfAborted(signal)
    const file = cut(order.slice(0, count))
    await using detector = await openBytes(file, contract)
    const found = await findAll(detector, 'pruned', evaluation, { signal })
    const { f1, ap50 } = agreement(evaluation, reference, found)
    const after = averagePrecision(evaluation, found)
    const picture = flatPicture(contract.input.size)
    const [ms, less] = await processorTimes(
      [() => float.detect(picture), () => detector.detect(picture)],
      ROUNDS,
    )
    step()
    const fidelity: Fidelity = {
      f1,
      ap50,
      ap: before === undefined || after === undefined ? undefined : { before, after },
    }
    return { file, count, fidelity, ms: { before: ms!, after: less! } }
  }
  // As many layers as the limit permits, by halving.
  let [low, high] = [0, order.length]
  let best = await measured(1)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const next = await measured(middle)
    if (isSameDetector(next.fidelity)) {
      best = next
      low = middle
    } else {
      high = middle - 1
    }
  }
  const isSame = isSameDetector(best.fidelity)
  return {
    verdict: isSame ? (best.ms.after > LEAST_GAIN * best.ms.before ? 'slower' : 'good') : 'unlike',
    bytes: best.file,
    fidelity: best.fidelity,
    ms: best.ms,
    layers,
    pruned: best.count,
    weights: { before: weightsOf(draft), after: weightsOf(readDraft(best.file)) },
    pictures: evaluation.images.length,
  }
}

const weightsOf = ({ constants }: Draft): number =>
  [...constants.values()].reduce((sum, { type, data }) => sum + (type === 'float32' ? data.length / 4 : 0), 0)

/** Layers whose channels may go, each with the blocks of least weight among them. */
function familiesOf(draft: Draft, groups: ChannelGroups, keep: number): Family[] {
  const importance = importanceOf(draft, groups)
  const seen = new Set<number>()
  const families: Family[] = []
  for (const node of draft.nodes) {
    const [output = ''] = node.outputs
    const roots =
      node.op === 'Conv' && (int(node, 'group') ?? 1) === 1
        ? [...new Set((groups.of.get(output) ?? []).map(groups.root))]
        : []
    if (roots.length === 0 || roots.some((root) => seen.has(root) || groups.fixed.has(root))) {
      continue
    }
    for (const root of roots) {
      seen.add(root)
    }
    const count = Math.floor(((1 - keep) * roots.length) / BLOCK) * BLOCK
    if (count > 0 && count < roots.length) {
      const least = roots.toSorted((a, b) => (importance.get(a) ?? 0) - (importance.get(b) ?? 0))
      families.push({ layer: output, channels: roots.length, gone: least.slice(0, count) })
    }
  }
  return families
}

/** Sum of the sizes of all filters that make a channel, each as a share of the mean of its layer. */
function importanceOf(draft: Draft, groups: ChannelGroups): Map<number, number> {
  const sums = new Map<number, number>()
  for (const node of draft.nodes) {
    const weight = draft.constants.get(node.inputs[1] ?? '')
    const of = groups.of.get(node.outputs[0] ?? '')
    if (node.op !== 'Conv' || weight?.type !== 'float32' || of === undefined) {
      continue
    }
    const sizes = filterSizes(floatsOf(weight), of.length)
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length || 1
    of.forEach((group, at) => {
      const root = groups.root(group)
      sums.set(root, (sums.get(root) ?? 0) + sizes[at]! / mean)
    })
  }
  return sums
}

function filterSizes(values: Float32Array, filters: number): number[] {
  const length = values.length / filters
  return Array.from({ length: filters }, (_item, filter) => {
    let sum = 0
    for (let at = filter * length; at < (filter + 1) * length; at++) {
      sum += Math.abs(values[at]!)
    }
    return sum
  })
}

async function meansOf(
  draft: Draft,
  contract: ModelSource['contract'],
  calibration: readonly DatasetImage[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Float64Array>> {
  const inputs = [
    ...new Set(draft.nodes.flatMap(({ op, inputs: [input = ''] }) => (op === 'Conv' ? [input] : []))),
  ]
  const pictures = calibration.map(
    ({ path }) =>
      () =>
        placedPicture(path, contract, () => {}),
  )
  const { means, readable } = await calibrate(draft, contract, pictures, noStatistics(), {
    values: [],
    inputs,
    signal,
  })
  return new Map([...means].map(([name, sums]) => [name, sums.map((sum) => sum / readable)]))
}

async function sensitivityOf(
  draft: Draft,
  contract: ModelSource['contract'],
  families: readonly Family[],
  data: Dataset,
  cut: (chosen: readonly Family[], outputs: readonly { name: string }[]) => Uint8Array,
  step: () => void,
  signal: AbortSignal | undefined,
): Promise<LayerSensitivity[]> {
  const outputs = [...findRegion(draft).last].map((node) => ({ name: node.outputs[0]! }))
  const inputs = await fedPictures(data, contract)
  const expected = await runAll(writeDraft(draft, outputs), inputs)
  const layers: LayerSensitivity[] = []
  for (const family of families) {
    throwIfAborted(signal)
    const error = relativeError(expected, await runAll(cut([family], outputs), inputs))
    layers.push({ layer: family.layer, channels: family.channels, taken: family.gone.length, error })
    step()
  }
  return layers.sort((a, b) => a.error - b.error)
}
