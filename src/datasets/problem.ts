import { BoxletError } from '../errors.ts'
import { oneLine } from '../system/printable.ts'

/** Stable names of what can be wrong; listed in docs/datasets.md. */
export type ProblemKind =
  | 'annotation-invalid' // a field is missing or not of its type
  | 'box-outside' // more than a pixel of the box lies outside the picture
  | 'box-empty' // width or height is zero or negative
  | 'class-unknown'
  | 'class-duplicate' // two classes have one name
  | 'labels-missing' // not one picture has labels where they are looked for
  | 'picture-unlisted' // an annotation names a picture that the set does not list
  | 'picture-duplicate'
  | 'picture-missing'
  | 'picture-truncated'
  | 'picture-unreadable'
  | 'picture-size' // the annotation states another size than the file has

export interface Problem {
  kind: ProblemKind
  /** Annotation file, or the picture itself. */
  file: string
  /** First line is 1; absent where a line means nothing. */
  line?: number
  /** Place inside the file where lines do not tell, e.g. `annotations[12]`. */
  at?: string
  message: string
}

/** What to do with a bad annotation. */
export type ProblemPolicy =
  | 'skip' // leave it out and list it
  | 'keep' // list it, and leave it out only when it cannot be used at all
  | 'fatal' // stop at the first

/** Rounding in annotation tools puts edges up to one pixel outside; that is not an error. */
const EDGE_TOLERANCE = 1

export const formatProblem = (problem: Problem): string =>
  oneLine(
    `${problem.file}${problem.line === undefined ? '' : `:${problem.line}`}: ${problem.message}` +
      ` (${problem.kind}${problem.at === undefined ? '' : `, ${problem.at}`})`,
  )

/** Collects problems, or stops at the first one when they are fatal. */
export class ProblemList {
  readonly problems: Problem[] = []
  readonly policy: ProblemPolicy

  constructor(policy: ProblemPolicy = 'skip') {
    this.policy = policy
  }

  add(problem: Problem): void {
    this.problems.push(problem)
    if (this.policy === 'fatal') {
      throw new BoxletError('DATASET_INVALID', `Expected a clean data set but ${formatProblem(problem)}.`, {
        hint: 'Mend it, or leave such annotations out with --problems skip.',
        details: { problem },
      })
    }
  }

  /** True when the caller should use the annotation in spite of the problem. */
  keeps(problem: Problem): boolean {
    this.add(problem)
    return this.policy === 'keep'
  }
}

/** A class for each name that an earlier one has too; case and blanks make no difference, as where labels are matched. */
export function duplicateClasses(categories: readonly { name: string }[]): string[] {
  const seen = new Map<string, string>()
  return categories.flatMap(({ name }) => {
    const plain = name.trim().toLowerCase()
    const earlier = seen.get(plain)
    seen.set(plain, earlier ?? name)
    return earlier === undefined
      ? []
      : [`Expected a name of its own for each class but received "${name}" beside "${earlier}"`]
  })
}

/** What is wrong with the place of a box in a picture; undefined when nothing is. */
export function boxProblem(
  box: { x: number; y: number; width: number; height: number },
  picture: { width: number; height: number },
): { kind: 'box-empty' | 'box-outside'; message: string } | undefined {
  const { x, y, width, height } = box
  if (!(width > 0 && height > 0)) {
    return { kind: 'box-empty', message: `Expected a box with an area but received ${width} × ${height}` }
  }
  const left = Math.min(x, y) < -EDGE_TOLERANCE
  const right = x + width > picture.width + EDGE_TOLERANCE || y + height > picture.height + EDGE_TOLERANCE
  if (left || right) {
    return {
      kind: 'box-outside',
      message: `Expected a box inside ${picture.width} × ${picture.height} but received ${[x, y, x + width, y + height].map(short).join(', ')}`,
    }
  }
  return undefined
}

const short = (value: number): string => String(Math.round(value * 100) / 100)
