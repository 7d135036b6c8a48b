import { BoxletError } from '../../errors.ts'
import type { Contract } from '../../model/contract.ts'
import { didYouMean } from '../kit/suggest.ts'

/** Labels named where no other is near; more would not be one line. */
const MAX_NAMED = 12

/**
 * Asks before the first picture whether the model has the classes of an option.
 *
 * @throws BoxletError USAGE
 */
export async function checkClasses(
  option: string,
  classes: readonly (string | number)[],
  { labels }: Pick<Contract, 'labels'>,
): Promise<void> {
  const known = labels.filter((label) => label !== null)
  const names = known.map((label) => label.toLowerCase())
  for (const wanted of classes.map(String)) {
    const isId = /^\d+$/.test(wanted) && (labels.length === 0 || Number(wanted) < labels.length)
    if (isId || names.includes(wanted.toLowerCase())) {
      continue
    }
    const meant = /^\d+$/.test(wanted) ? '' : await didYouMean(wanted, names)
    const some = `Its classes are ${known.slice(0, MAX_NAMED).join(', ')}${known.length > MAX_NAMED ? ' and others' : ''}.`
    throw new BoxletError(
      'USAGE',
      `Expected a class of the model for --${option} but received "${wanted}".`,
      {
        hint: meant === '' ? some : meant.trimEnd(),
      },
    )
  }
}
