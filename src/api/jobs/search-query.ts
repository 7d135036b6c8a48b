import { BoxletError } from '../../errors.ts'
import { parseCount, type SearchQuery, type SearchTerm } from '../../jobs/search.ts'
import { defined } from '../../system/defined.ts'
import { received } from '../received.ts'
import { checkQuery, readLimit, readTime } from './job-values.ts'

const NAMES = [
  'label',
  'minScore',
  'count',
  'without',
  'model',
  'verdict',
  'uncertain',
  'since',
  'until',
  'limit',
  'cursor',
]
/** Each term is looked up for every picture that fits the first. */
const MOST_TERMS = 8

/**
 * Reads `GET /v1/search`. Labels may be repeated: all of them must be there; `minScore` and `count` hold for each.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function parseSearch(query: URLSearchParams): SearchQuery {
  checkQuery(query, NAMES)
  const minScore = score(query.get('minScore') ?? undefined)
  const range = count(query.get('count') ?? undefined)
  const terms: SearchTerm[] = [
    ...query.getAll('label').map((label) => ({ label, minScore, ...range })),
    ...query.getAll('without').map((label) => ({ label, minScore, least: 0, most: 0 })),
  ]
  const wrongLabel = terms.find(({ label }) => label === '' || label.length > 200)
  if (wrongLabel !== undefined || terms.length > MOST_TERMS) {
    throw new BoxletError('REQUEST_INVALID', `Expected at most ${MOST_TERMS} labels of 1 to 200 characters.`)
  }
  if (query.has('count') && !query.has('label')) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a label for count but received none.')
  }
  const verdict = readVerdict(query.get('verdict') ?? undefined)
  const uncertain = query.get('uncertain') ?? undefined
  if (uncertain !== undefined && uncertain !== 'true' && uncertain !== 'false') {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected true or false for uncertain but received ${received(uncertain)}.`,
    )
  }
  return {
    terms,
    limit: readLimit(query.get('limit') ?? undefined),
    ...defined({
      model: query.get('model') ?? undefined,
      verdict,
      uncertain: uncertain === undefined ? undefined : uncertain === 'true',
      since: readTime('since', query.get('since') ?? undefined),
      until: readTime('until', query.get('until') ?? undefined),
      cursor: query.get('cursor') ?? undefined,
    }),
  }
}

function score(text: string | undefined): number {
  const value = text === undefined ? 0 : /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0 && value <= 1)) {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected a number from 0 to 1 for minScore but received ${received(text)}.`,
    )
  }
  return value
}

function count(text: string | undefined): { least: number; most?: number } {
  try {
    return text === undefined ? { least: 1 } : parseCount(text)
  } catch (error) {
    throw new BoxletError('REQUEST_INVALID', (error as BoxletError).message)
  }
}

function readVerdict(text: string | undefined): SearchQuery['verdict'] {
  if (text !== undefined && text !== 'deny' && text !== 'review') {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected deny or review for verdict but received ${received(text)}.`,
    )
  }
  return text
}
