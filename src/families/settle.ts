import type { ContractOutput, Evidence } from '../model/contract.ts'
import type { Recognition } from './family.ts'

/** A little above 1, for scores that quantization rounded up. */
const PROBABILITY_SLACK = 1.01

/** Whether some value cannot be a probability, so that the scores still need an activation. */
export function isLogits(values: Float32Array, from = 0, count = values.length, step = 1): boolean {
  for (let i = 0, at = from; i < count; i++, at += step) {
    const value = values[at]!
    if (value < 0 || value > PROBABILITY_SLACK) {
      return true
    }
  }
  return false
}

/** The recognition with some output fields changed by what a run showed, and its evidence in their place. */
export function settled(
  recognition: Recognition,
  output: Partial<ContractOutput>,
  evidence: readonly Evidence[],
): Recognition {
  const replaced = new Set(evidence.map(({ about }) => about))
  return {
    ...recognition,
    unsettled: (recognition.unsettled ?? []).filter((part) => !replaced.has(part)),
    contract: { ...recognition.contract, output: { ...recognition.contract.output, ...output } },
    evidence: [...recognition.evidence.filter(({ about }) => !replaced.has(about)), ...evidence],
  }
}
