import type { LoadedModel } from '../detector/load.ts'
import { BoxletError } from '../errors.ts'
import type { Contract } from '../model/contract.ts'
import { defined } from '../system/defined.ts'
import { choose, type MeasuredVariant } from './choice.ts'
import type { Diagnosis, DimensionResult, DoctorOptions, DoctorPicture } from './diagnosis.ts'
import { endingOf, readingsAhead } from './ending.ts'
import { credible, type Measured, Trials } from './trials.ts'
import { DIMENSIONS, type Dimension, settings, variantsOf } from './variants.ts'

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
  const trials = new Trials(model, pictures, options)
  const given = model.info.contract
  const { findings, labels, fault } = await trials.findings(given)
  const named = labels === undefined ? given : { ...given, labels }
  const basis = { hasTruth: options.truth !== undefined, pictures: pictures.length }
  const examineOne = async (dimension: Dimension, contract: Contract) => {
    const measured = await measureAll(dimension, contract, trials, options)
    return measured.length < 2 ? undefined : choose(dimension, measured, basis)
  }
  const results = new Map<Dimension, DimensionResult>()
  let contract = named
  for (let round = 0; round < ROUNDS; round++) {
    const before = contract
    for (const dimension of DIMENSIONS) {
      const result = await examineOne(dimension, contract)
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
  const own = await trials.measure(named)
  const diagnosis = {
    decidedBy: options.truth === undefined ? ('agreement' as const) : ('ap' as const),
    pictures: pictures.length,
    findings,
    dimensions: [...results.values()],
    before: credible(own),
    after: credible(await trials.measure(contract)),
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

/** Each reading of one part that differs from those before it; none where there is nothing to choose. */
async function measureAll(
  dimension: Dimension,
  contract: Contract,
  trials: Trials,
  { onProgress }: DoctorOptions,
): Promise<MeasuredVariant[]> {
  // Fewest changes first, so that of readings that come to the same the simplest is shown.
  const variants = variantsOf(dimension, contract).sort((a, b) => a.set.length - b.set.length)
  const measured: MeasuredVariant[] = []
  for (const variant of variants.length < 2 ? [] : variants) {
    onProgress?.(`${dimension}: ${variant.name}`)
    const trial = await trials.measure(variant.contract)
    // A family that has one code only gives the same boxes whatever the contract says.
    if (!measured.some((other) => isSame(trial, other.trial))) {
      measured.push({ variant, trial })
    }
  }
  return measured
}

const isSame = (a: Measured, b: Measured): boolean =>
  a.value === b.value && a.objects === b.objects && JSON.stringify(a.shown) === JSON.stringify(b.shown)
