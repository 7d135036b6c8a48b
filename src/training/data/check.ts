import { checkPictures } from '../../datasets/check-pictures.ts'
import { type Dataset, selectImages } from '../../datasets/dataset.ts'
import { formatProblem, type Problem } from '../../datasets/problem.ts'
import { BoxletError } from '../../errors.ts'
import type { Division } from './divide.ts'

/** Objects of a class below which a detector learns the pictures and not the class. */
export const LEAST_OBJECTS = 10
/** Lines told of each fault. */
const SHOWN = 20

/** A set that can be taught from, and what should be said about it. */
export interface Checked {
  division: Division
  labels: string[]
  notes: string[]
}

export interface CheckOptions {
  /** What to do with bad annotations and pictures: `fatal` (default) stops, `skip` leaves them out. */
  problems: 'fatal' | 'skip'
  /** Least objects of each class in the part to learn from. */
  leastObjects: number
  signal?: AbortSignal
}

/**
 * Looks at everything that would spoil a run, before a minute is spent on it.
 *
 * @throws BoxletError DATASET_UNFIT with a line for each fault as `details.lines`
 */
export async function checkDivision(division: Division, options: CheckOptions): Promise<Checked> {
  const parts = [division.train, division.val, division.test].filter((part) => part !== undefined)
  const broken = (
    await Promise.all(parts.map((part) => checkPictures(part, undefined, options.signal)))
  ).flat()
  const problems = [...parts.flatMap((part) => part.problems), ...broken]
  if (problems.length > 0 && options.problems === 'fatal') {
    throw unfit(
      `${problems.length} faults`,
      problems.map(formatProblem),
      'Mend them, or leave them out with --problems skip.',
    )
  }
  const clean = withoutBroken(division, broken)
  const unused = unusedClasses(clean)
  if (unused.length > 0 && options.problems === 'fatal') {
    throw unfit(
      'classes that never occur',
      [`Expected objects of every class but there is none of ${shownNames(unused)}`],
      'Take them out of the list of classes, or let --problems skip leave them out.',
    )
  }
  const kept = withoutClasses(clean, unused)
  const labels = kept.train.categories.map(({ name }) => name)
  const faults = classFaults(kept.train, options.leastObjects)
  if (faults.length > 0) {
    throw unfit(
      'classes that cannot be learned',
      faults,
      'Label more pictures, take the class out of the set, or lower --least-objects.',
    )
  }
  if (kept.train.images.length === 0) {
    throw unfit('no pictures to learn from', [], 'Check that the part "train" names pictures.')
  }
  const notes = [
    ...parts.flatMap((part) => part.notes),
    ...(unused.length === 0 ? [] : [`No object of ${shownNames(unused)} is anywhere in the set: left out.`]),
    ...notesOf(kept, problems, options),
  ]
  return { division: kept, labels, notes }
}

/** Classes without an object in any part. Lists of classes are often those of a model or of a whole project. */
function unusedClasses({ train, val, test }: Division): string[] {
  const used = new Set(
    [train, val, test].flatMap((part) => part?.annotations.map(({ categoryId }) => categoryId) ?? []),
  )
  const unused = train.categories.filter(({ id }) => !used.has(id)).map(({ name }) => name)
  // A set without any object is told as such.
  return unused.length === train.categories.length ? [] : unused
}

function withoutClasses({ train, val, test, because }: Division, names: readonly string[]): Division {
  const without = <T extends Dataset | undefined>(dataset: T): T =>
    dataset && {
      ...dataset,
      categories: dataset.categories.filter(({ name }) => !names.includes(name)),
    }
  return { train: without(train), val: without(val), test: without(test), because }
}

const shownNames = (names: readonly string[]): string =>
  names.length > SHOWN
    ? `${quotedNames(names.slice(0, SHOWN))} and ${names.length - SHOWN} others`
    : quotedNames(names)

const quotedNames = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

function classFaults(train: Dataset, least: number): string[] {
  const counts = objectCounts(train)
  const faults = train.categories.flatMap(({ id, name }) => {
    const count = counts.get(id) ?? 0
    return count >= least
      ? []
      : [`Expected at least ${least} objects of "${name}" to learn from but received ${count}`]
  })
  const byPlainName = new Map<string, string>()
  for (const { name } of train.categories) {
    const plain = name
      .toLowerCase()
      .replace(/[\s_-]+/g, ' ')
      .trim()
    const other = byPlainName.get(plain)
    if (other !== undefined) {
      faults.push(`Expected one spelling of each class but received "${other}" and "${name}"`)
    }
    byPlainName.set(plain, name)
  }
  return train.categories.length === 0 ? ['Expected objects to learn from but received none'] : faults
}

const objectCounts = (dataset: Dataset): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const { categoryId, crowd } of dataset.annotations) {
    if (!crowd) {
      counts.set(categoryId, (counts.get(categoryId) ?? 0) + 1)
    }
  }
  return counts
}

function notesOf(
  division: Division,
  problems: readonly Problem[],
  { problems: policy }: CheckOptions,
): string[] {
  const notes: string[] = []
  if (policy === 'skip' && problems.length > 0) {
    notes.push(
      `${problems.length} faults of the set are left out, the first being ${formatProblem(problems[0]!)}.`,
    )
  }
  for (const part of ['val', 'test'] as const) {
    const dataset = division[part]
    if (dataset === undefined) {
      notes.push(`The set has no part "${part}".`)
      continue
    }
    const counts = objectCounts(dataset)
    const absent = dataset.categories.filter(({ id }) => !counts.has(id)).map(({ name }) => name)
    if (absent.length > 0) {
      notes.push(`No object of ${shownNames(absent)} is in "${part}", so nothing can be said about it there.`)
    }
  }
  const empty =
    division.train.images.length - new Set(division.train.annotations.map(({ imageId }) => imageId)).size
  if (empty > division.train.images.length / 2) {
    notes.push(`${empty} of ${division.train.images.length} pictures to learn from have no object.`)
  }
  const drawn = division.train.annotations.filter(({ extra }) => typeof extra?.score === 'number').length
  if (drawn > 0) {
    notes.push(
      `${drawn} of ${division.train.annotations.length} objects to learn from carry the score of a model: correct them first, or its mistakes are learned too.`,
    )
  }
  return notes
}

/** Pictures that cannot be decoded are in no part. */
function withoutBroken(division: Division, broken: readonly Problem[]): Division {
  const files = new Set(broken.filter(({ kind }) => kind !== 'picture-size').map(({ file }) => file))
  const clean = (dataset: Dataset): Dataset =>
    files.size === 0
      ? dataset
      : selectImages(
          dataset,
          new Set(dataset.images.filter(({ path }) => !files.has(path)).map(({ id }) => id)),
          dataset.name,
        )
  const { train, val, test } = division
  return { ...division, train: clean(train), val: val && clean(val), test: test && clean(test) }
}

/** The faults themselves are `details.lines`: a message is one line wherever it is shown. */
function unfit(received: string, faults: readonly string[], hint: string): BoxletError {
  const more = faults.length > SHOWN ? [`… and ${faults.length - SHOWN} more`] : []
  return new BoxletError(
    'DATASET_UNFIT',
    `Expected a data set that a detector can be taught from but received ${received}.`,
    { hint, details: { faults: faults.length, lines: [...faults.slice(0, SHOWN), ...more] } },
  )
}
