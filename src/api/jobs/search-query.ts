import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { parseCount, type SearchQuery, type SearchTerm } from '../../jobs/search.ts'
import { readQuery } from '../values.ts'
import { SEARCH_QUERY } from './job-values.ts'

/** Each term is looked up for every picture that fits the first. */
const MOST_TERMS = 8

/**
 * Reads `GET /v1/search`. Labels may be repeated: all of them must be there; `minScore` and `count` hold for each.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function parseSearch(query: URLSearchParams): SearchQuery {
  const given = readQuery(SEARCH_QUERY, query)
  const {
    label: labels = [],
    without = [],
    minScore = 0,
    count,
    limit = JOB_DEFAULTS.pageSize,
    ...rest
  } = given
  const terms: SearchTerm[] = [
    ...labels.map((label) => ({ label, minScore, ...rangeOf(count) })),
    ...without.map((label) => ({ label, minScore, least: 0, most: 0 })),
  ]
  if (terms.length > MOST_TERMS) {
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected at most ${MOST_TERMS} labels but received ${terms.length}.`,
    )
  }
  if (count !== undefined && labels.length === 0) {
    throw new BoxletError('REQUEST_INVALID', 'Expected a label for count but received none.')
  }
  return { terms, limit, ...rest }
}

function rangeOf(text: string | undefined): { least: number; most?: number } {
  try {
    return text === undefined ? { least: 1 } : parseCount(text)
  } catch (error) {
    throw new BoxletError('REQUEST_INVALID', (error as BoxletError).message)
  }
}
