import { feeds } from '../../detector/feeds.ts'
import { type PlacedPicture, prepare } from '../../detector/pipeline.ts'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import type { Contract } from '../../model/contract.ts'
import { openSession, type Session } from '../../runtime/session.ts'
import { type Draft, node } from '../graph/draft.ts'
import { writeDraft } from '../graph/write-draft.ts'
import type { Histogram } from './ranges.ts'

/** Fine enough that a range ends within a thousandth of where it should. */
const BINS = 2_048

/** What is known of the values of a graph after some pictures. */
export interface Statistics {
  /** Pictures that the ranges were taken from, and those that were counted into the histograms. */
  ranged: number
  counted: number
  /** Of the former, those that could be decoded. */
  readable: number
  values: Map<string, Histogram>
  /** Sums over pictures of the mean of each channel, of what convolutions read. */
  means: Map<string, Float64Array>
}

export const noStatistics = (): Statistics => ({
  ranged: 0,
  counted: 0,
  readable: 0,
  values: new Map(),
  means: new Map(),
})

export interface CalibrateOptions {
  /** Values that need a range, and those of which channels are averaged. */
  values: readonly string[]
  inputs: readonly string[]
  signal?: AbortSignal | undefined
  /** After each picture of each pass. */
  onPicture?: (done: number, statistics: Statistics) => Promise<void> | void
}

/**
 * Runs the float graph on the pictures twice: for the range of each value and the means of channels, then for
 * histograms within those ranges. Goes on where the statistics that are given end.
 *
 * @throws BoxletError ABORTED, MODEL_RUN_FAILED
 */
export async function calibrate(
  draft: Draft,
  contract: Contract,
  pictures: readonly (() => Promise<PlacedPicture | undefined>)[],
  statistics: Statistics,
  options: CalibrateOptions,
): Promise<Statistics> {
  const { values, inputs, signal, onPicture } = options
  if (statistics.ranged < pictures.length) {
    const { graph, channelOf } = withExtremes(draft, values, inputs)
    await eachPicture(graph, contract, pictures.slice(statistics.ranged), signal, async (outputs) => {
      if (outputs !== undefined) {
        addExtremes(statistics, outputs, values, channelOf)
        statistics.readable++
      }
      statistics.ranged++
      await onPicture?.(statistics.ranged, statistics)
    })
  }
  if (statistics.readable === 0) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected pictures that can be decoded but none of ${pictures.length} can.`,
    )
  }
  const open = values.filter((name) => !draft.inputs.some((input) => input.name === name))
  if (open.length === 0) {
    return statistics
  }
  const graph = writeDraft(
    draft,
    open.map((name) => ({ name })),
  )
  await eachPicture(graph, contract, pictures.slice(statistics.counted), signal, async (outputs) => {
    for (const name of outputs === undefined ? [] : open) {
      count(statistics.values.get(name)!, outputs!.get(name)!)
    }
    statistics.counted++
    await onPicture?.(pictures.length + statistics.counted, statistics)
  })
  return statistics
}

async function eachPicture(
  graph: Uint8Array,
  contract: Contract,
  pictures: readonly (() => Promise<PlacedPicture | undefined>)[],
  signal: AbortSignal | undefined,
  take: (outputs: Map<string, Float32Array> | undefined) => Promise<void>,
): Promise<void> {
  if (pictures.length === 0) {
    return
  }
  const session: Session = await openSession(graph, { threads: 1, plansMemory: false })
  try {
    for (const open of pictures) {
      throwIfAborted(signal)
      const placed = await open()
      const results = placed && (await session.run(feeds(contract, [prepare(placed, contract)])))
      await take(results && new Map([...results].map(([name, { data }]) => [name, data as Float32Array])))
    }
  } finally {
    await session.release()
  }
}

/** The graph with the least and largest of each value, and means over the cells of each channel, as its outputs. */
function withExtremes(draft: Draft, values: readonly string[], inputs: readonly string[]) {
  const channelOf = new Map(inputs.map((name, index) => [name, `boxlet.mean.${index}`]))
  const extremes = values.flatMap((name, index) => [
    node('ReduceMin', [name], [`boxlet.low.${index}`], { keepdims: 0 }),
    node('ReduceMax', [name], [`boxlet.high.${index}`], { keepdims: 0 }),
  ])
  const means = inputs.map((name) =>
    node('ReduceMean', [name], [channelOf.get(name)!], { axes: [0, 2, 3], keepdims: 0 }),
  )
  const added = [...extremes, ...means]
  const whole = { ...draft, nodes: [...draft.nodes, ...added] }
  return {
    graph: writeDraft(
      whole,
      added.map(({ outputs }) => ({ name: outputs[0]! })),
    ),
    channelOf,
  }
}

function addExtremes(
  { values: known, means }: Statistics,
  outputs: ReadonlyMap<string, Float32Array>,
  values: readonly string[],
  channelOf: ReadonlyMap<string, string>,
): void {
  for (const [index, name] of values.entries()) {
    const [low, high] = [outputs.get(`boxlet.low.${index}`)![0]!, outputs.get(`boxlet.high.${index}`)![0]!]
    const before = known.get(name)
    if (before === undefined) {
      known.set(name, { low, high, counts: new Float64Array(BINS) })
    } else {
      before.low = Math.min(before.low, low)
      before.high = Math.max(before.high, high)
    }
  }
  for (const [name, output] of channelOf) {
    const mean = outputs.get(output)!
    const sum = means.get(name) ?? new Float64Array(mean.length)
    means.set(
      name,
      sum.map((value, channel) => value + mean[channel]!),
    )
  }
}

/** The busiest loop of calibration: tens of millions of values a picture. */
function count({ low, high, counts }: Histogram, values: Float32Array): void {
  const factor = high > low ? counts.length / (high - low) : 0
  const last = counts.length - 1
  for (let at = 0; at < values.length; at++) {
    const bin = ((values[at]! - low) * factor) | 0
    counts[bin > last ? last : bin]!++
  }
}
