import type { Detection } from '../boxes/detection.ts'
import type { Dataset } from '../datasets/dataset.ts'
import type { LoadedModel } from '../detector/load.ts'
import { BoxletError } from '../errors.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract } from '../model/contract.ts'
import { agreement, delusion } from './agreement.ts'
import { check, type Finding } from './checks.ts'
import type { DoctorOptions, DoctorPicture, LabelFault, Trial } from './diagnosis.ts'
import { ContractRunner, mirrored, scrambled } from './runner.ts'
import { averagePrecision, averagePrecisionOfBoxes, nameFindings } from './truth.ts'

/** Precision needs the weak detections too. */
const AP_MIN_SCORE = 0.001
const MIN_SCORE = 0.25
/** A little above 1, for scores that quantization rounded up; more are no probabilities, and agree on nothing. */
const LARGEST_SCORE = 1.01

/** Readings far off see 1.6 to 200 times as much in pieces as in pictures, right ones rarely half. */
const DELUDED = 1.5
export interface Measured extends Pick<Trial, 'value' | 'objects' | 'shown'> {
  /** What is found in scrambled pieces, in the units of `value`. */
  delusion: number
}

/** Measures readings, each once. */
export class Trials {
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

  async measure(contract: Contract): Promise<Measured> {
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

  #checkSignal(): void {
    if (this.#options.signal?.aborted) {
      throw new BoxletError('ABORTED', 'Expected the examination to finish but it was cancelled.')
    }
  }
}

/** A reading that sees more in pieces than in pictures is wrong, so its agreement counts for nothing. */
export const credible = ({ value, delusion: imagined }: Measured): number =>
  imagined > DELUDED * value ? 0 : value
