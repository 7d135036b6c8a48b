import type { Detection } from '../boxes/detection.ts'
import type { Dataset } from '../datasets/dataset.ts'
import type { LoadedModel } from '../detector/load.ts'
import { BoxletError } from '../errors.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import { agreement, delusion } from './agreement.ts'
import { check, type Finding } from './checks.ts'
import type {
  Diagnosis,
  DimensionResult,
  DoctorOptions,
  DoctorPicture,
  LabelFault,
  Trial,
} from './diagnosis.ts'
import { endingOf, readingsAhead } from './ending.ts'
import { ContractRunner, mirrored, scrambled } from './runner.ts'
import { averagePrecision, averagePrecisionOfBoxes, nameFindings } from './truth.ts'
import { DIMENSIONS, type Dimension, settings, type Variant, variantsOf } from './variants.ts'

/** Precision needs the weak detections too. */
const AP_MIN_SCORE = 0.001
const MIN_SCORE = 0.25
/** AP moves by less than this for no reason; by more the smaller the set. */
const LEAST_AP_GAIN = 0.005
const LEAST_AP_GAIN_OF_FEW = 0.03
/** Share of the contract's own agreement. */
const LEAST_AGREEMENT_GAIN = 0.2
/** The same for few pictures, where the best of several geometries leads by half from luck alone. */
const LEAST_AGREEMENT_GAIN_OF_FEW: Record<Dimension, number> = {
  boxes: 0.5,
  scale: 0.5,
  colour: 0.35,
  geometry: 0.75,
}
const FEW_PICTURES = 5
/** Network inputs far too large find hundreds of sure objects: more than this beside the contract's are none. */
const MOST_OBJECTS = { factor: 3, more: 10, unknown: 100 }

/** A little above 1, for scores that quantization rounded up; more are no probabilities, and agree on nothing. */
const LARGEST_SCORE = 1.01

/** Readings far off see 1.6 to 200 times as much in pieces as in pictures, right ones rarely half. */
const DELUDED = 1.5
/** Agreement for each object below which none is agreed on: scores of 0.4 and an overlap of 0.6. */
const LEAST_PER_OBJECT = 0.1
const IN_PIECES = 'finds as much in scrambled pieces'
/** A second round sees what a first one could not while another part was wrong. */
const ROUNDS = 2

/**
 * Tries what a contract can get wrong without an error — box code, scale, colour order, geometry — and says
 * which reading the model wants and by how much. Each part is tried with the others as found best so far.
 *
 * @param model loaded with `asIs`
 * @throws BoxletError USAGE without pictures, ABORTED, or what running the model throws
 */
export async function examine(
  model: LoadedModel,
  pictures: readonly DoctorPicture[],
  options: DoctorOptions = {},
): Promise<Diagnosis> {
  if (pictures.length === 0) {
    throw new BoxletError('USAGE', 'Expected at least one picture for the doctor but received none.')
  }
  const judge = new Judge(model, pictures, options)
  const given = model.info.contract
  const { findings, labels, fault } = await judge.findings(given)
  const named = labels === undefined ? given : { ...given, labels }
  const results = new Map<Dimension, DimensionResult>()
  let contract = named
  for (let round = 0; round < ROUNDS; round++) {
    const before = contract
    for (const dimension of DIMENSIONS) {
      const result = await judge.dimension(dimension, contract)
      if (result === undefined) {
        continue
      }
      const { winner, ...rest } = result
      // The first round shows the contract's own reading beside the others; later ones only settle more.
      if (round === 0 || winner !== contract) {
        results.set(dimension, rest)
      }
      contract = winner
    }
    if (contract === before) {
      break
    }
  }
  const own = await judge.trial(asVariant(named))
  const diagnosis = {
    decidedBy: options.truth === undefined ? ('agreement' as const) : ('ap' as const),
    pictures: pictures.length,
    findings,
    dimensions: [...results.values()],
    before: credible(own),
    after: credible(await judge.trial(asVariant(contract))),
    contract,
    set: [
      ...settings('input', given.input, contract.input),
      ...settings('output', given.output, contract.output),
    ],
    objects: own.objects,
    ...defined({ labels: fault }),
  }
  const ahead = readingsAhead(diagnosis)
  return { ...diagnosis, ahead, ending: endingOf(diagnosis, ahead) }
}

const asVariant = (contract: Contract): Variant => ({
  dimension: 'boxes',
  name: '',
  contract,
  isCurrent: true,
  set: [],
})

interface Measured extends Pick<Trial, 'value' | 'objects' | 'shown'> {
  /** What is found in scrambled pieces, in the units of `value`. */
  delusion: number
}

/** Measures readings, each once. */
class Judge {
  readonly #runner: ContractRunner
  readonly #pictures: readonly DoctorPicture[]
  readonly #mirrors: RgbImage[]
  readonly #pieces: RgbImage[]
  readonly #options: DoctorOptions
  readonly #trials = new Map<string, Measured>()
  #namesFit = true

  constructor(model: LoadedModel, pictures: readonly DoctorPicture[], options: DoctorOptions) {
    this.#runner = new ContractRunner(model)
    this.#pictures = pictures
    this.#options = options
    const judged = options.truth === undefined ? pictures : []
    this.#mirrors = judged.map(({ pixels }) => mirrored(pixels))
    this.#pieces = judged.map(({ pixels }) => scrambled(pixels))
  }

  /** With the labels to judge by where those of the contract are wrong and can be mended. */
  async findings(
    contract: Contract,
  ): Promise<{ findings: Finding[]; labels?: Contract['labels']; fault?: LabelFault }> {
    const raw = []
    const found: Detection[][] = []
    for (const [i, { pixels }] of this.#pictures.entries()) {
      this.#checkSignal()
      raw.push(await this.#runner.raw(pixels, `${i}`, contract, 0))
      found.push(await this.#runner.detect(pixels, `${i}`, contract, contract.thresholds.score))
    }
    const findings = check(contract, raw, found, this.#options.quantization)
    const { truth } = this.#options
    if (truth === undefined) {
      return { findings }
    }
    const weak = await this.#all(contract, AP_MIN_SCORE)
    const { ap, findings: names, labels } = nameFindings(truth, weak, contract)
    const isUnnamed = findings.some(({ code }) => code === 'labels-missing')
    const isWrong = ap === undefined || isUnnamed || names.length > 0
    const all = [...findings, ...names]
    if (!isWrong) {
      return { findings: all }
    }
    this.#namesFit = labels !== undefined
    if (labels === undefined) {
      return { findings: all, fault: 'unknown' }
    }
    const isNamed = weak.flat().every(({ classId, score }) => score < MIN_SCORE || labels[classId] != null)
    return { findings: all, labels, fault: isNamed ? 'mended' : 'incomplete' }
  }

  /** Undefined when there is nothing to choose. */
  async dimension(
    dimension: Dimension,
    contract: Contract,
  ): Promise<(DimensionResult & { winner: Contract }) | undefined> {
    // Fewest changes first, so that of readings that come to the same the simplest is shown.
    const variants = variantsOf(dimension, contract).sort((a, b) => a.set.length - b.set.length)
    if (variants.length < 2) {
      return undefined
    }
    const measured: { variant: Variant; trial: Measured }[] = []
    for (const variant of variants) {
      this.#options.onProgress?.(`${dimension}: ${variant.name}`)
      const trial = await this.trial(variant)
      // A family that has one code only gives the same boxes whatever the contract says.
      if (!measured.some((other) => isSame(trial, other.trial))) {
        measured.push({ variant, trial })
      }
    }
    if (measured.length < 2) {
      return undefined
    }
    const current = measured[0]!
    const others = measured.slice(1).filter(({ trial }) => this.#refusal(trial, current.trial) === undefined)
    const rank = dimension === 'boxes' ? this.#perObject(measured.map(({ trial }) => trial)) : credible
    const byChance = dimension === 'scale' && this.#options.truth === undefined ? LEAST_AGREEMENT_GAIN : 0
    const best = simplestOfBest(others, (each) => rank(each.trial), byChance) ?? current
    const yardstick = rank(current.trial)
    const gain = rank(best.trial) - yardstick
    // Phantoms of a wrong reading are gone in the right one; where they stay, they are the model's own.
    const isDeluded = credible(current.trial) < current.trial.value
    const staysSo = isDeluded && best.trial.objects * 2 > current.trial.objects
    const isBetter = best !== current && !staysSo && gain > this.#leastGain(yardstick, dimension)
    return {
      dimension,
      trials: measured.map(({ variant, trial }) => {
        const { name, set, isCurrent } = variant
        const isDeluded = isCurrent && credible(trial) < trial.value
        const refused = isDeluded ? IN_PIECES : isCurrent ? undefined : this.#refusal(trial, current.trial)
        return { ...trial, name, set, isCurrent, ...defined({ refused }) }
      }),
      wanted: isBetter ? best.variant.name : current.variant.name,
      gain: isBetter ? best.trial.value - credible(current.trial) : 0,
      ...(!isBetter && gain > 0
        ? { leaning: { name: best.variant.name, gain: best.trial.value - current.trial.value } }
        : {}),
      winner: isBetter ? best.variant.contract : contract,
    }
  }

  /** A reading that finds objects everywhere is none, however sure it is of them. */
  #refusal(trial: Measured, current: Measured): string | undefined {
    if (this.#options.truth !== undefined) {
      return undefined
    }
    // Where the contract itself sees things in pieces, only a reading that hardly does is plainly better.
    const share = credible(current) < current.value ? 0.1 : 0.5
    if (trial.delusion > trial.value * share) {
      return IN_PIECES
    }
    const { factor, more, unknown } = MOST_OBJECTS
    const each = current.objects / this.#pictures.length
    const most = each < 1 ? unknown : factor * each + more
    return trial.objects / this.#pictures.length > most ? 'finds objects everywhere' : undefined
  }

  async trial({ contract }: Variant): Promise<Measured> {
    const key = JSON.stringify([contract.input, contract.output])
    const known = this.#trials.get(key)
    if (known !== undefined) {
      return known
    }
    const measured =
      this.#options.truth === undefined
        ? await this.#agree(contract)
        : await this.#precision(contract, this.#options.truth)
    this.#trials.set(key, measured)
    return measured
  }

  async #precision(contract: Contract, truth: Dataset): Promise<Measured> {
    const found = await this.#all(contract, AP_MIN_SCORE)
    const sure = found.map((detections) => detections.filter(({ score }) => score >= MIN_SCORE))
    const value = this.#namesFit
      ? averagePrecision(truth, found, contract.labels)
      : averagePrecisionOfBoxes(truth, found)
    return { value, delusion: 0, objects: sure.flat().length, shown: sure[0]! }
  }

  async #agree(contract: Contract): Promise<Measured> {
    const found = await this.#all(contract, MIN_SCORE)
    let agreed = 0
    let imagined = 0
    for (const [i, { pixels }] of this.#pictures.entries()) {
      this.#checkSignal()
      const inMirror = await this.#quietly(this.#mirrors[i]!, `${i} mirrored`, contract, MIN_SCORE)
      agreed += agreement(found[i]!, inMirror, pixels)
      imagined += delusion(await this.#quietly(this.#pieces[i]!, `${i} in pieces`, contract, MIN_SCORE))
    }
    const count = this.#pictures.length
    return {
      value: agreed / count,
      delusion: imagined / count,
      objects: found.flat().length,
      shown: found[0]!,
    }
  }

  async #all(contract: Contract, minScore: number): Promise<Detection[][]> {
    const found: Detection[][] = []
    for (const [i, { pixels }] of this.#pictures.entries()) {
      this.#checkSignal()
      found.push(await this.#quietly(pixels, `${i}`, contract, minScore))
    }
    return found
  }

  /** A reading that does not fit the outputs finds nothing; only the contract's own may say why. */
  async #quietly(pixels: RgbImage, key: string, contract: Contract, minScore: number): Promise<Detection[]> {
    try {
      const found = await this.#runner.detect(pixels, key, contract, minScore)
      return found.some(({ score }) => score > LARGEST_SCORE) ? [] : found
    } catch (error) {
      if (error instanceof BoxletError && error.code === 'MODEL_OUTPUT') {
        return []
      }
      throw error
    }
  }

  /**
   * All readings of one run have the same scores, so the right boxes are those that fall together best: few
   * objects after suppression, each agreed on. Readings with next to no agreement are left out.
   */
  #perObject(all: readonly Measured[]): (trial: Measured) => number {
    if (this.#options.truth !== undefined) {
      return credible
    }
    const most = Math.max(...all.map(credible))
    const count = this.#pictures.length
    return (trial) =>
      trial.objects === 0 || credible(trial) < most / 4 ? 0 : credible(trial) / (trial.objects / count)
  }

  #leastGain(current: number, dimension: Dimension): number {
    const isFew = this.#pictures.length < FEW_PICTURES
    if (this.#options.truth !== undefined) {
      return isFew ? LEAST_AP_GAIN_OF_FEW : LEAST_AP_GAIN
    }
    const share = isFew ? LEAST_AGREEMENT_GAIN_OF_FEW[dimension] : LEAST_AGREEMENT_GAIN
    // Next to nothing is no measure: there it takes half an object to be better.
    return share * Math.max(current, dimension === 'boxes' ? LEAST_PER_OBJECT : 1)
  }

  #checkSignal(): void {
    if (this.#options.signal?.aborted) {
      throw new BoxletError('ABORTED', 'Expected the examination to finish but it was cancelled.')
    }
  }
}

/**
 * The best, or one before it that is hardly worse: readings come in the order of how common they are, and a lead of
 * less than this over another reading is luck with few pictures.
 *
 * cost  statistics of ImageNet beside plain 0–1 lead by a fifth on pictures of a QR code, and are wrong
 */
function simplestOfBest<T>(
  readings: readonly T[],
  value: (reading: T) => number,
  byChance: number,
): T | undefined {
  const most = Math.max(...readings.map(value))
  return readings.find((reading) => value(reading) >= most / (1 + byChance))
}

/** A reading that sees more in pieces than in pictures is wrong, so its agreement counts for nothing. */
const credible = ({ value, delusion: imagined }: Measured): number => (imagined > DELUDED * value ? 0 : value)

const isSame = (a: Measured, b: Measured): boolean =>
  a.value === b.value && a.objects === b.objects && JSON.stringify(a.shown) === JSON.stringify(b.shown)
