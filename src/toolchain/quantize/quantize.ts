import type { Dataset, DatasetImage } from '../../datasets/dataset.ts'
import type { Detector } from '../../detector/detector.ts'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import type { PictureAgreement } from '../../evaluate/agreement.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { Contract } from '../../model/contract.ts'
import { pythonNames } from '../../model/labels/python-names.ts'
import { withoutFocus } from '../../prepare/prepare.ts'
import type { Draft } from '../graph/draft.ts'
import { readDraft } from '../graph/read-draft.ts'
import { agreement, averagePrecision, type Findings, findAll } from '../measure/agreement.ts'
import { type Fidelity, isSameDetector } from '../measure/limits.ts'
import { openBytes } from '../measure/open-bytes.ts'
import { placedPicture } from '../measure/pictures.ts'
import { processorTimes } from '../measure/timing.ts'
import { applyPasses } from '../simplify/simplify.ts'
import type { ModelSource } from '../source.ts'
import { calibrate, type Statistics } from './calibrate.ts'
import { type Calibrated, type Choice, quantized } from './candidate.ts'
import { RANGE_METHODS } from './ranges.ts'
import { findRegion, valuesOf } from './region.ts'
import { type PartError, sensitivity } from './sensitivity.ts'
import type { CalibrationState } from './state.ts'

/** Pictures on which ways of quantizing are compared; the chosen one sees all. */
const QUICK = 16
/** Leading parts that are left float in turn: the stem is what rounding hurts most. */
const FLOAT_PARTS = [1, 2, 3]
/** Runs of each file that is timed. */
const ROUNDS = 7
/** A file has to take less than this share of the time to be worth writing: timing itself is no better than that. */
export const LEAST_GAIN = 0.95
/** Among files that take about as long, the one that agrees most. */
const ABOUT_AS_FAST = 1.1

export interface Tried extends Choice, Fidelity {
  bytes: number
  /** Processor milliseconds of a picture of 640 × 448 and its share of the float file's. */
  ms: number
  ratio: number
  /** Pictures that it was compared on. */
  pictures: number
}

export interface Quantized {
  /** `slower`: nothing is gained; `unlike`: below the limits. */
  verdict: 'good' | 'slower' | 'unlike'
  bytes: Uint8Array
  chosen: Tried
  tried: Tried[]
  sensitivity: PartError[]
  /** Processor milliseconds of the float file. */
  floatMs: number
  /** Names of the pictures that ranges were taken from. */
  calibration: string[]
  /** Pictures that differ most first, with their index among those compared. */
  differing: PictureAgreement[]
  /** Convolutions in whole numbers, of all. */
  layers: { whole: number; all: number }
}

export interface QuantizeOptions {
  /** Pictures that ranges are taken from, and those on which files are compared. */
  calibration: readonly DatasetImage[]
  evaluation: Dataset
  state: CalibrationState
  signal?: AbortSignal | undefined
  /** After each run of a picture; `total` is what is known to come. */
  onProgress?: (done: number, total: number, stage: string) => void
}

/**
 * Writes a convolutional float network in whole numbers in several ways, measures them, and gives the best.
 *
 * @throws BoxletError MODEL_UNSUPPORTED for a network without convolutions, DATASET_INVALID, ABORTED
 */
export async function quantizeModel(source: ModelSource, options: QuantizeOptions): Promise<Quantized> {
  const { contract } = source
  const { calibration, evaluation, signal } = options
  const progress = new Progress(options)
  const at = await calibrated(source, options, progress)
  await using float = await openBytes(source.bytes, contract)
  const reference = await progress.over('float', (onProgress) =>
    findAll(float, 'float', evaluation, { signal, onProgress }),
  )
  const quick = subset(evaluation, QUICK)
  const picture = flatPicture(contract.input.size)
  const sizes = { floatMs: Number.NaN }
  const compared = async (
    choice: Choice,
    data: Dataset,
  ): Promise<{ tried: Tried; bytes: Uint8Array; found: Findings }> => {
    throwIfAborted(signal)
    const bytes = quantized(at, choice)
    await using detector = await openBytes(bytes, contract)
    const name = `${choice.method}, ${choice.floatParts} float`
    const found = await progress.over(name, (onProgress) =>
      findAll(detector, 'int8', data, { signal, onProgress }),
    )
    const [floatMs, ms] = await timed(float, detector, picture)
    sizes.floatMs = floatMs
    const tried = {
      ...choice,
      ...fidelityOf(data, reference, found),
      bytes: bytes.length,
      ms,
      ratio: ms / floatMs,
      pictures: found.results.length,
    }
    return { tried, bytes, found }
  }
  const tried: Tried[] = []
  for (const method of RANGE_METHODS) {
    tried.push((await compared({ method, floatParts: 0 }, quick)).tried)
  }
  const best = tried.toSorted(byAgreement)[0]!
  const parts = await sensitivity(at, best.method, quick, { signal })
  for (const floatParts of FLOAT_PARTS) {
    tried.push((await compared({ method: best.method, floatParts }, quick)).tried)
  }
  const [chosen, ...others] = ranked(tried)
  let final = await compared(chosen!, evaluation)
  for (const other of others.slice(0, 2)) {
    if (verdictOf(final.tried) === 'good') {
      break
    }
    const next = await compared(other, evaluation)
    final = verdictOf(next.tried) === 'good' || byAgreement(next.tried, final.tried) < 0 ? next : final
  }
  const convolutions = at.draft.nodes.filter(({ op }) => op === 'Conv')
  const whole = at.region.nodes.filter(
    (node) =>
      node.op === 'Conv' &&
      !at.region.last.has(node) &&
      at.region.partOf.get(node)! >= final.tried.floatParts,
  )
  return {
    verdict: verdictOf(final.tried),
    bytes: final.bytes,
    chosen: final.tried,
    tried,
    sensitivity: parts,
    floatMs: sizes.floatMs,
    calibration: calibration.map(({ fileName }) => fileName),
    differing: agreement(evaluation, reference, final.found).difference.differing,
    layers: { whole: whole.length, all: convolutions.length },
  }
}

/** The float graph in the form that is quantized, and what calibration finds of it. */
async function calibrated(
  { bytes, contract }: ModelSource,
  { calibration, state, signal }: QuantizeOptions,
  progress: Progress,
): Promise<Calibrated> {
  const draft = readDraft(withoutFocus(bytes, contract)?.bytes ?? bytes)
  await applyPasses(draft, contract)
  carryFacts(draft, contract)
  const region = findRegion(draft)
  const convolutions = region.nodes.filter(({ op }) => op === 'Conv')
  if (convolutions.length === 0) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected float convolutions to quantize but "${contract.name}" has none.`,
    )
  }
  const statistics = await state.read()
  const inputs = [...new Set(convolutions.map((node) => node.inputs[0]!))]
  const pictures = calibration.map(
    ({ path }) =>
      () =>
        placedPicture(path, contract, () => {}),
  )
  let last: Statistics | undefined
  try {
    await calibrate(draft, contract, pictures, statistics, {
      values: valuesOf(region, draft),
      inputs,
      signal,
      async onPicture(done, so) {
        last = so
        progress.step('calibration')
        await state.put(done, so, done === 2 * pictures.length)
      },
    })
  } catch (error) {
    if (last !== undefined && error instanceof BoxletError && error.code === 'ABORTED') {
      await state.save(last)
    }
    throw error
  }
  return { draft, region, statistics, contract }
}

/** What the contract knows and the file does not say, so that the new file stands alone. */
function carryFacts({ metadata }: Draft, { labels, licence }: Contract): void {
  if (!metadata.has('names') && labels.length > 0 && labels.every((label) => label !== null)) {
    metadata.set('names', pythonNames(labels))
  }
  if (!metadata.has('license') && licence !== undefined) {
    metadata.set('license', licence.name)
  }
}

const fidelityOf = (data: Dataset, reference: Findings, found: Findings): Fidelity => {
  const ids = new Set(data.images.map(({ id }) => id))
  const same = { ...reference, results: reference.results.filter(({ image }) => ids.has(image.id)) }
  const { f1, ap50 } = agreement(data, same, found)
  const [before, after] = [averagePrecision(data, same), averagePrecision(data, found)]
  return { f1, ap50, ap: before === undefined || after === undefined ? undefined : { before, after } }
}

const byAgreement = (a: Fidelity, b: Fidelity): number => b.f1 + b.ap50 - a.f1 - a.ap50

/** What may be written first, and of that what is about the fastest and agrees most. */
function ranked(tried: readonly Tried[]): Tried[] {
  const good = tried.filter((one) => verdictOf(one) === 'good')
  const pool = good.length > 0 ? good : tried
  const fastest = Math.min(...pool.map(({ ratio }) => ratio))
  const first = pool.filter(({ ratio }) => ratio <= fastest * ABOUT_AS_FAST).toSorted(byAgreement)
  return [...first, ...tried.filter((one) => !first.includes(one)).toSorted(byAgreement)]
}

const verdictOf = (tried: Tried): Quantized['verdict'] =>
  tried.ratio > LEAST_GAIN ? 'slower' : isSameDetector(tried) ? 'good' : 'unlike'

function subset(dataset: Dataset, count: number): Dataset {
  const images = dataset.images.slice(0, count)
  const ids = new Set(images.map(({ id }) => id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}

/** Of the shape of most photos; what it shows does not change how long a run takes. */
export function flatPicture({ width }: { width: number }): RgbImage {
  const size = { width, height: Math.round(width * 0.7) }
  return { ...size, data: new Uint8Array(3 * size.width * size.height).fill(114) }
}

const timed = async (float: Detector, other: Detector, picture: RgbImage): Promise<[number, number]> =>
  (await processorTimes([() => float.detect(picture), () => other.detect(picture)], ROUNDS)) as [
    number,
    number,
  ]

/** Counts runs of pictures over all stages, so that one line tells what is left. */
class Progress {
  #done = 0
  readonly #total: number
  readonly #options: QuantizeOptions

  constructor(options: QuantizeOptions) {
    const quick = Math.min(QUICK, options.evaluation.images.length)
    const ways = RANGE_METHODS.length + FLOAT_PARTS.length
    this.#total = 2 * options.calibration.length + 2 * options.evaluation.images.length + ways * quick
    this.#options = options
  }

  step(stage: string): void {
    this.#done++
    this.#options.onProgress?.(this.#done, Math.max(this.#done, this.#total), stage)
  }

  over<T>(stage: string, work: (onProgress: () => void) => Promise<T>): Promise<T> {
    return work(() => this.step(stage))
  }
}
