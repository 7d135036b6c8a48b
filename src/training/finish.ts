import type { Dataset } from '../datasets/dataset.ts'
import { bootstrapAp } from '../evaluate/bootstrap.ts'
import type { Evaluation } from '../evaluate/evaluation.ts'
import { withThresholds } from '../evaluate/write-thresholds.ts'
import type { Contract } from '../model/contract.ts'
import { saveFile } from '../system/save-file.ts'
import type { Division } from './data/divide.ts'
import type { Taught } from './job.ts'
import { type BaseFile, openBase } from './model/base.ts'
import { TRAINING_KEY } from './model/export.ts'
import type { PartFacts, TaughtFacts } from './report/facts.ts'
import { namesOf } from './teach.ts'
import { measureFile } from './validate.ts'

export interface FinishJob {
  taught: Taught
  /** Path of the file to write, and the same without its ending. */
  out: string
  stem: string
  base: BaseFile
  labels: readonly string[]
  division: Division
  /** Makes the file again. */
  command: string
  signal?: AbortSignal
}

/** What is known once the file is written. */
export interface Finished extends Pick<TaughtFacts, 'measured' | 'parts'> {
  /** Of the file on the validation pictures. */
  validation: { ap: number; ap50: number } | undefined
}

/**
 * Writes the model with its contract, and measures it: thresholds on the validation pictures, then once on the test
 * pictures. Both are measured on the file itself, as `boxlet eval` would.
 */
export async function finish(job: FinishJob): Promise<Finished> {
  const { taught, out, stem, base, division, signal } = job
  const threads = taught.recipe.workers
  const facts = metadataOf(job)
  const plain = taught.write(taught.weights, facts)
  const licence = base.licence === undefined ? {} : { licence: base.licence }
  let contract: Contract = { ...openBase({ ...base, bytes: plain }).contract, name: nameOf(stem), ...licence }
  // A contract of an earlier file beside the new one would be taken for its own.
  await saveFile(`${stem}.contract.json`, jsonText(contract))
  await saveFile(out, plain)
  const val =
    division.val === undefined ? undefined : await bestSuppression(out, division.val, threads, signal)
  if (val !== undefined) {
    const iou = val.options.iou ?? contract.suppression.iou
    contract = withThresholds({ ...contract, suppression: { ...contract.suppression, iou } }, val)
    await saveFile(`${stem}.contract.json`, jsonText(contract))
  }
  await saveFile(
    out,
    taught.write(taught.weights, new Map([...facts, ['boxlet.contract', JSON.stringify(contract)]])),
  )
  const test =
    division.test === undefined ? undefined : await measureFile(out, division.test, threads, { signal })
  // Without a single object there is no precision to speak of.
  const evaluation = [test, val].find((one) => one !== undefined && one.stats.ap >= 0)
  return {
    measured:
      evaluation === undefined
        ? undefined
        : {
            part: evaluation === test ? 'test' : 'val',
            evaluation,
            interval: bootstrapAp(evaluation.work),
          },
    parts: partsOf(division),
    validation: val === undefined ? undefined : { ap: val.stats.ap, ap50: val.stats.ap50 },
  }
}

/** Overlaps above which the weaker box goes, beside that of the family; crowded objects want more than 0.45. */
const SUPPRESSION_IOUS = [0.6, 0.7]
/** Least gain of AP for another than the usual one. */
const LEAST_GAIN = 0.002
/** Larger sets keep the usual one: three passes over thousands of pictures would outlast the run. */
const MOST_TRIED = 500

/** Measures the validation pictures with the suppression that suits them best. */
async function bestSuppression(
  file: string,
  val: Dataset,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Evaluation> {
  const usual = await measureFile(file, val, threads, { signal })
  if (val.images.length > MOST_TRIED) {
    return usual
  }
  let best = usual
  for (const iou of SUPPRESSION_IOUS) {
    const other = await measureFile(file, val, threads, { iou, signal })
    if (other.stats.ap > best.stats.ap + (best === usual ? LEAST_GAIN : 0)) {
      best = other
    }
  }
  return best
}

/** What the file says about itself: classes, licence of the base, and how it was made. */
function metadataOf({ taught, base, labels, division, command }: FinishJob): Map<string, string> {
  const { recipe, step, endedBy, weightsStep } = taught
  const made = {
    command,
    base: { name: base.name, sha256: base.sha256, licence: base.licence?.name ?? null },
    recipe,
    step,
    endedBy,
    weightsStep,
    train: partFacts(division.train),
  }
  return new Map([
    ...namesOf(labels),
    ...(base.licence === undefined ? [] : ([['license', base.licence.name]] as const)),
    [TRAINING_KEY, JSON.stringify(made)],
  ])
}

export const partsOf = ({ train, val, test, because }: Division): Finished['parts'] => ({
  train: partFacts(train),
  val: val === undefined ? null : partFacts(val),
  test: test === undefined ? null : partFacts(test),
  because,
})

const partFacts = ({ images, annotations }: Dataset): PartFacts => ({
  pictures: images.length,
  objects: annotations.length,
})

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
const nameOf = (stem: string): string => stem.split(/[\\/]/).at(-1)!
