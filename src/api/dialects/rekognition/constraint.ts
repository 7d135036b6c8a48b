import type * as v from 'valibot'

/** Of a value in a sentence; the service repeats it whole, whatever its length. */
const MOST_CHARACTERS = 100

type Issue = v.BaseIssue<unknown>

/**
 * What is wrong with a member, in the words in which the service says it: "Value '101' at 'minConfidence' failed to
 * satisfy constraint: Member must have value less than or equal to 100".
 */
export function constraintOf(issue: Issue): string {
  const path = issue.path ?? []
  // What is wrong inside a list is reported for the list.
  const at = path.findIndex(({ type }) => type === 'array')
  const member = path
    .slice(0, at < 0 ? path.length : at)
    .map(({ key }) => String(key).replace(/^[A-Z]/, (letter) => letter.toLowerCase()))
    .join('.')
  const value = at < 0 ? issue.input : path[at]?.input
  const rule = at < 0 ? ruleOf(issue) : `Member must satisfy constraint: [${ruleOf(issue)}]`
  return `Value ${shown(value)} at '${member}' failed to satisfy constraint: ${rule}`
}

/** Text where a number belongs, and the like: the service does not get as far as its constraints. */
export const isOfAnotherType = ({ kind, type, input }: Issue): boolean =>
  kind === 'schema' &&
  input !== undefined &&
  input !== null &&
  !(type === 'picklist' && typeof input === 'string')

function ruleOf({ type, input, requirement, expected }: Issue): string {
  if (input === undefined || input === null) {
    return 'Member must not be null'
  }
  if (type === 'picklist') {
    return `Member must satisfy enum value set: [${enumOf(expected)}]`
  }
  if (type === 'min_value') {
    return `Member must have value greater than or equal to ${requirement}`
  }
  if (type === 'max_value') {
    return `Member must have value less than or equal to ${requirement}`
  }
  if (type === 'min_length') {
    return `Member must have length greater than or equal to ${requirement}`
  }
  if (type === 'max_length') {
    return `Member must have length less than or equal to ${requirement}`
  }
  return `Member must be of type ${type}`
}

/** `("A" | "B")` to `A, B`. */
const enumOf = (expected: string | null): string =>
  (expected ?? '').replace(/[()"]/g, '').replace(/ \| /g, ', ')

function shown(value: unknown): string {
  if (value === undefined || value === null) {
    return 'null'
  }
  const plain = Array.isArray(value)
    ? `[${value.slice(0, MOST_CHARACTERS).map(printed).join(', ')}]`
    : printed(value)
  return `'${plain.length > MOST_CHARACTERS ? `${plain.slice(0, MOST_CHARACTERS)}…` : plain}'`
}

/** Objects are not turned into text: a caller's own `toString` member would fail. */
const printed = (value: unknown): string =>
  typeof value === 'object' && value !== null ? 'an object' : String(value)
