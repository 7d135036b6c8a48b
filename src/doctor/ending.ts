import type { Diagnosis, Ending } from './diagnosis.ts'

/** A reading ahead by less than this share of the contract's own agreement is ahead by chance. */
const LEAST_LEAN = 0.05
const LEAST_LEAN_AP = 0.005

/** Labels that are wrong come first: a contract that finds every object under a wrong name helps nobody. */
export function endingOf(diagnosis: Omit<Diagnosis, 'ending' | 'ahead'>, ahead: readonly string[]): Ending {
  if (diagnosis.labels !== undefined) {
    return 'labels'
  }
  if (diagnosis.set.length > 0) {
    return 'better'
  }
  if (diagnosis.findings.some(({ severity }) => severity === 'fault')) {
    return 'fault'
  }
  if (diagnosis.before === 0 || diagnosis.objects === 0) {
    return 'nothing'
  }
  return ahead.length > 0 ? 'undecided' : 'right'
}

/** Readings that did better by too little for the pictures given, e.g. `colour BGR`. */
export function readingsAhead({
  dimensions,
  decidedBy,
  after,
}: Pick<Diagnosis, 'dimensions' | 'decidedBy' | 'after'>): string[] {
  const least = decidedBy === 'ap' ? LEAST_LEAN_AP : LEAST_LEAN * after
  return dimensions.flatMap(({ dimension, leaning }) =>
    leaning !== undefined && leaning.gain > least ? [`${dimension} ${leaning.name}`] : [],
  )
}

/** The last word of the doctor, in one to three lines. */
export function endingText(diagnosis: Diagnosis): string {
  const { ending, decidedBy, before, after, set, ahead } = diagnosis
  const byAp = decidedBy === 'ap'
  const number = (value: number) => (byAp ? (100 * value).toFixed(1) : value.toFixed(2))
  const measure = byAp ? 'AP' : 'agreement'
  const more = `give ${byAp ? 'more annotated pictures' : 'five pictures or annotations'}; ${ahead.join(', ')} ${ahead.length === 1 ? 'is' : 'are'} ahead`
  const wants = `The model wants: ${set.map((part) => `--set '${part}'`).join(' ')}\n${measure} ${number(before)} → ${number(after)}.`
  switch (ending) {
    case 'labels': {
      const reading =
        set.length > 0 ? `${wants}\n` : `No other reading is better (${measure} ${number(after)}).\n`
      return diagnosis.labels === 'mended'
        ? `${reading}The labels are the fault: readings were judged with the names moved, and --write FILE writes the moved list. Compare it with that of training.`
        : `${reading}The labels are the fault: readings were judged ${diagnosis.labels === 'unknown' ? 'by boxes alone' : 'with the names moved, which leaves a class without one'}, and no contract is written. Give the labels of training with --labels.`
    }
    case 'better':
      return `${wants} --write FILE writes the contract.${ahead.length > 0 ? `\nNot decided: ${more}.` : ''}`
    case 'fault':
      return 'None of the readings tried fixes the fault.'
    case 'nothing':
      return `Nothing found: under the contract the model finds no object surely${byAp ? '' : ' in a picture and its mirror image alike'}, and no reading tried is plainly better, so nothing is said of the contract. ${ahead.length > 0 ? `Not decided: ${more}.` : 'Give pictures that show what the model knows, or look at the model.'}`
    case 'undecided':
      return `Not decided (${measure} ${number(before)}): ${more}.`
    case 'right':
      return `The contract reads the model as it wants to be read (${measure} ${number(before)}).`
  }
}
