import * as v from 'valibot'
import { parse as parseYaml } from 'yaml'
import { BoxletError } from '../errors.ts'

/** What a person has decided about labels: pictures that show one are marked, and told by an event of their own. */
export interface Policy {
  deny: Rule[]
  review: Rule[]
}

export interface Rule {
  label: string
  /** Score 0–1 from which an object counts. */
  minScore: number
  /** Objects that it takes. */
  minCount: number
  /** What the finding is called instead, as a moderation label; its parent in Amazon's taxonomy. */
  name?: string
  category?: string
}

/** The harder of both, and what led to it. */
export interface Verdict {
  verdict: 'deny' | 'review'
  matches: RuleMatch[]
}

export interface RuleMatch {
  rule: 'deny' | 'review'
  label: string
  name?: string
  category?: string
  /** The best score, and how many objects reached the least one. */
  score: number
  count: number
}

/** Score from which a rule without one applies: half, as the example of the documentation has it. */
const DEFAULT_MIN_SCORE = 0.5
/** Rules are written by hand; a list beyond this is a mistake. */
const MOST_RULES = 1000

const rule = v.strictObject({
  label: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  minScore: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), DEFAULT_MIN_SCORE),
  minCount: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  name: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  category: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
})
const rules = v.optional(v.pipe(v.array(rule), v.maxLength(MOST_RULES)), [])
const policy = v.strictObject({ deny: rules, review: rules })

/**
 * Reads a policy, as YAML or JSON.
 *
 * @throws BoxletError CONFIG_INVALID
 */
export function parsePolicy(text: string): Policy {
  let value: unknown
  try {
    value = parseYaml(text, { maxAliasCount: 0 })
  } catch (cause) {
    throw new BoxletError('CONFIG_INVALID', 'Expected YAML or JSON for the policy but it cannot be read.', {
      cause,
    })
  }
  const parsed = v.safeParse(policy, value, { abortEarly: true })
  if (parsed.success) {
    return parsed.output
  }
  const [issue] = parsed.issues
  throw new BoxletError(
    'CONFIG_INVALID',
    `Expected deny and review lists of rules for the policy but ${v.getDotPath(issue) ?? 'it'} is wrong: ${issue.message}`,
    { hint: 'For example: deny: [{label: knife, minScore: 0.5}]' },
  )
}

/** Labels are compared without regard to case, as people write them. */
export function judge(
  policy: Policy,
  detections: readonly { label: string; score: number }[],
): Verdict | undefined {
  const matches = [...matchesOf('deny', policy.deny), ...matchesOf('review', policy.review)]
  if (matches.length === 0) {
    return undefined
  }
  return { verdict: matches.some(({ rule }) => rule === 'deny') ? 'deny' : 'review', matches }

  function matchesOf(list: 'deny' | 'review', entries: readonly Rule[]): RuleMatch[] {
    return entries.flatMap(({ label, minScore, minCount, name, category }) => {
      const scores = detections
        .filter((detection) => detection.label.toLowerCase() === label.toLowerCase())
        .map(({ score }) => score)
        .filter((score) => score >= minScore)
      if (scores.length < minCount) {
        return []
      }
      return [
        {
          rule: list,
          label,
          ...(name !== undefined && { name }),
          ...(category !== undefined && { category }),
          score: Math.max(...scores),
          count: scores.length,
        },
      ]
    })
  }
}

/** Whether some object's score lies in the band in which the model does not know. */
export const isUncertain = (
  [low, high]: readonly [number, number],
  detections: readonly { score: number }[],
): boolean => detections.some(({ score }) => score >= low && score < high)
