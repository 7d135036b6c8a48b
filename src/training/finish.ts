import type { Dataset } from '../datasets/dataset.ts'
import { bootstrapAp } from '../evaluate/bootstrap.ts'
import { withThresholds } from '../evaluate/write-thresholds.ts'
import type { Contract } from '../model/contract.ts'
import { saveFile } from '../system/save-file.ts'
import type { Division } from './data/divide.ts'
import { type BaseFile, openBase } from './model/base.ts'
import type { PartFacts, TaughtFacts } from './report/facts.ts'
import { namesOf, type Taught } from './teach.ts'
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
export type Finished = Pick<TaughtFacts, 'measured' | 'parts'>

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
  const val = division.val === undefined ? undefined : await measureFile(out, division.val, threads, signal)
  if (val !== undefined) {
    contract = withThresholds(contract, val)
    await saveFile(`${stem}.contract.json`, jsonText(contract))
  }
  await saveFile(
    out,
    taught.write(taught.weights, new Map([...facts, ['boxlet.contract', JSON.stringify(contract)]])),
  )
  const test =
    division.test === undefined ? undefined : await measureFile(out, division.test, threads, signal)
  const evaluation = test ?? val
  return {
    measured:
      evaluation === undefined
        ? undefined
        : {
            part: test === undefined ? 'val' : 'test',
            evaluation,
            interval: bootstrapAp(evaluation.work),
          },
    parts: {
      train: partFacts(division.train),
      val: division.val === undefined ? null : partFacts(division.val),
      test: division.test === undefined ? null : partFacts(division.test),
      because: division.because,
    },
  }
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
    ['boxlet.training', JSON.stringify(made)],
  ])
}

const partFacts = ({ images, annotations }: Dataset): PartFacts => ({
  pictures: images.length,
  objects: annotations.length,
})

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
const nameOf = (stem: string): string => stem.split(/[\\/]/).at(-1)!
