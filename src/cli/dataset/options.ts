/** What the verbs on data sets share: the set that they read, and what they tell of it. */

import type { Dataset, DatasetFormat, ReadOptions } from '../../datasets/dataset.ts'
import { openDataset } from '../../datasets/open.ts'
import { formatProblem, type Problem } from '../../datasets/problem.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { DATASET_OPTIONS } from '../eval/subjects.ts'
import type { OptionSpec, Options, Settings } from '../kit/option-spec.ts'
import type { Inputs, Io } from '../kit/verb.ts'

export const DATASET_INPUT: Inputs = {
  usage: 'DATASET',
  noun: 'data set',
  least: 1,
  most: 1,
  completes: 'file',
}
export const DATASET_EXITS =
  '0 all well, 1 done but something is wrong in the set, 2 wrong usage, 3 nothing could be done.'
export const DATASET_FORMATS = ['coco', 'voc', 'yolo'] as const satisfies readonly DatasetFormat[]

/** Options of every verb that reads a set. */
export const READ_OPTIONS = {
  ...DATASET_OPTIONS,
  problems: { ...DATASET_OPTIONS.problems, says: 'bad annotations' },
  classes: {
    type: 'string',
    says: 'names that are expected; objects of other classes are then problems',
    group: 'Data',
    value: 'A,B',
    own: true,
    multiple: true,
  },
} as const satisfies Options

export const SEED_OPTION = {
  type: 'number',
  says: 'another seed gives another division or choice',
  integer: true,
  min: 0,
  default: 1,
} as const satisfies OptionSpec

export function readOptions(values: Settings<typeof READ_OPTIONS>, io: Io): ReadOptions {
  const classes = values.classes?.flatMap((names) => names.split(',')).map((name) => name.trim())
  return {
    ...defined({ problems: values.problems, images: values.images, split: values.split, classes }),
    signal: io.signal,
  }
}

/** Without a part named, the whole set is what a person wants to know about. */
export const openWhole = (path: string, options: ReadOptions): Promise<Dataset> =>
  openDataset(path, /\.json$/i.test(path) ? options : { split: 'all', ...options })

/** @throws BoxletError USAGE */
export function needOut(out: string | undefined): string {
  if (out === undefined) {
    throw new BoxletError('USAGE', 'Expected --out for the result but received none.')
  }
  return out
}

/** Problems told on the terminal; `stats` lists them all on standard output. */
const SHOWN_PROBLEMS = 20

export function report(problems: readonly Problem[], io: Io): void {
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) {
    io.stderr.write(`${formatProblem(problem)}\n`)
  }
  if (problems.length > SHOWN_PROBLEMS) {
    io.stderr.write(
      `… and ${problems.length - SHOWN_PROBLEMS} more problems; "boxlet dataset stats" lists them all\n`,
    )
  }
}
