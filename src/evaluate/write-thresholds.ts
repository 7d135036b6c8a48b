import { rename, writeFile } from 'node:fs/promises'
import { BoxletError } from '../errors.ts'
import type { Contract } from '../model/contract.ts'
import type { Evaluation } from './evaluation.ts'
import { LEAST_OBJECTS } from './thresholds.ts'

/**
 * Lays the best thresholds into a contract: one for each class with enough objects, and the
 * common one for the rest.
 * Labels of the model that the data set names otherwise keep the model's name.
 *
 * @returns how many classes have a threshold of their own
 */
export async function writeThresholds(
  contract: Contract,
  evaluation: Evaluation,
  path: string,
): Promise<number> {
  const changed = withThresholds(contract, evaluation)
  const text = `${JSON.stringify(changed, null, 2)}\n`
  const draft = `${path}.${process.pid}.tmp`
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } catch (cause) {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a contract file that can be written at "${path}" but it cannot be.`,
      { cause },
    )
  }
  return Object.keys(changed.thresholds.perClass ?? {}).length
}

/** The contract with the best thresholds in it. */
export function withThresholds(contract: Contract, evaluation: Evaluation): Contract {
  const score = evaluation.overall?.score ?? contract.thresholds.score
  return { ...contract, thresholds: { score, perClass: classThresholds(evaluation) } }
}

function classThresholds({ classes, labelOf }: Evaluation): Record<string, number> {
  const entries = classes.flatMap(({ category, counts, threshold }) =>
    threshold === undefined || counts.truths < LEAST_OBJECTS
      ? []
      : (labelOf?.get(category.id) ?? [category.name]).map((label) => [label, threshold.score]),
  )
  return Object.fromEntries(entries)
}
