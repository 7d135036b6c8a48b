import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { Page } from '../jobs/job-store.ts'
import { bucketOf, type Found, type SearchQuery, type SearchTerm } from '../jobs/search.ts'
import { pictureOf } from '../local/job-rows.ts'
import { type Asking, text, type Value } from './database.ts'

/** A place in the order of time: newest first, and by number where two were done in one millisecond. */
interface Place {
  at: number
  picture: number
}

/** Collects the values of a statement and gives the name of each. */
class Values {
  readonly all: Value[] = []

  of(value: Value): string {
    this.all.push(value)
    return `$${this.all.length}`
  }
}

/**
 * Looks at pictures in the order of time, those only that the index holds for the first term, or by verdict where no
 * term asks for presence; asks of each whether it fits the rest, and reads those that do.
 */
export async function searchStore(asking: Asking, tenant: string, query: SearchQuery): Promise<Page<Found>> {
  const values = new Values()
  const first = query.terms.find(({ least }) => least > 0)
  const owner = values.of(tenant)
  const places = first === undefined ? byTime(values, owner, query) : byTerm(values, owner, first, query)
  const fits = [
    ...query.terms.flatMap((term) => termFits(values, term)),
    // A newer version of the picture hides it.
    `NOT EXISTS (SELECT 1 FROM arrivals a WHERE a.tenant = p.tenant AND a.identity = p.identity AND a.picture <> p.seq)`,
    ...(query.model === undefined ? [] : [`starts_with(p.model, ${values.of(query.model)})`]),
    ...(query.verdict === undefined ? [] : [`p.verdict = ${values.of(query.verdict)}`]),
    ...(query.uncertain === undefined
      ? []
      : [`coalesce(p.uncertain, false) = ${values.of(query.uncertain)}`]),
    ...(query.review === undefined ? [] : [reviewFits(values, query.review)]),
  ]
  const examined = await asking.all(
    `SELECT c.at, c.picture, (p.state = 'succeeded' AND ${fits.join(' AND ')})::int AS fits
     FROM (${places}) c JOIN pictures p ON p.seq = c.picture ORDER BY c.at DESC, c.picture DESC`,
    ...values.all,
  )
  const kept: number[] = []
  let cursor: string | undefined
  for (const [index, { picture, fits: isFit }] of examined.entries()) {
    if (kept.length === query.limit || index === JOB_DEFAULTS.mostExamined) {
      const last = examined[index - 1]!
      cursor = `${last.at}.${last.picture}`
      break
    }
    if (isFit === 1) {
      kept.push(Number(picture))
    }
  }
  const rows = await asking.all(
    'SELECT p.*, j.id AS job_id FROM pictures p JOIN jobs j ON j.seq = p.job WHERE p.seq = ANY($1)',
    kept,
  )
  const bySeq = new Map(rows.map((row) => [Number(row.seq), row]))
  const items = kept.flatMap((seq): Found[] => {
    const row = bySeq.get(seq)
    return row === undefined ? [] : [{ job: String(row.job_id), picture: pictureOf(row) }]
  })
  return { items, ...(cursor !== undefined && { cursor }) }
}

/**
 * Looked for in the text: PostgreSQL reads no JSON in which a label holds a zero. Quotes within a label are escaped there,
 * so that none can be taken for the decision.
 */
function reviewFits(values: Values, review: NonNullable<SearchQuery['review']>): string {
  const beginning = '"review":{"decision":'
  return review === 'open'
    ? `strpos(p.found, ${values.of(beginning)}) = 0`
    : `strpos(p.found, ${values.of(`${beginning}"${review}"`)}) > 0`
}

/** One more than a page may look at, which tells whether there is another page. */
const MOST = JOB_DEFAULTS.mostExamined + 1

function byTime(values: Values, owner: string, query: SearchQuery): string {
  const filter =
    query.verdict !== undefined
      ? `verdict = ${values.of(query.verdict)}`
      : query.uncertain
        ? 'uncertain'
        : "state = 'succeeded'"
  const { since, at, picture } = range(values, query)
  return `SELECT finished AS at, seq AS picture FROM pictures WHERE tenant = ${owner} AND ${filter}
    AND finished >= ${since} AND finished <= ${at} AND (finished, seq) < (${at}, ${picture})
    ORDER BY finished DESC, seq DESC LIMIT ${MOST}`
}

/** Each tenth of a score is a range in order of time; together they are merged. */
function byTerm(values: Values, owner: string, term: SearchTerm, query: SearchQuery): string {
  const label = values.of(text(term.label.toLowerCase()))
  const rank = values.of(term.least)
  const { since, at, picture } = range(values, query)
  const ranges: string[] = []
  for (let bucket = bucketOf(term.minScore); bucket <= 9; bucket++) {
    ranges.push(`(SELECT at, picture FROM finds WHERE tenant = ${owner} AND label = ${label} AND rank = ${rank}
      AND bucket = ${bucket} AND at >= ${since} AND at <= ${at} AND (at, picture) < (${at}, ${picture})
      ORDER BY at DESC, picture DESC LIMIT ${MOST})`)
  }
  return `SELECT at, picture FROM (${ranges.join(' UNION ALL ')}) u ORDER BY at DESC, picture DESC LIMIT ${MOST}`
}

function range(values: Values, query: SearchQuery): { since: string; at: string; picture: string } {
  const start = startOf(query)
  return {
    since: `${values.of(query.since ?? 0)}::bigint`,
    at: `${values.of(start.at)}::bigint`,
    picture: `${values.of(start.picture)}::bigint`,
  }
}

function startOf({ cursor, until }: SearchQuery): Place {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '')
  if (match !== null) {
    return { at: Number(match[1]), picture: Number(match[2]) }
  }
  return { at: until === undefined ? Number.MAX_SAFE_INTEGER : until - 1, picture: Number.MAX_SAFE_INTEGER }
}

function termFits(values: Values, term: SearchTerm): string[] {
  const label = values.of(text(term.label.toLowerCase()))
  const score = values.of(term.minScore)
  const reaches = (rank: number): string =>
    `EXISTS (SELECT 1 FROM finds f WHERE f.picture = c.picture AND f.label = ${label} AND f.rank = ${rank}
     AND f.score >= ${score})`
  return [
    ...(term.least > 0 ? [reaches(term.least)] : []),
    ...(term.most === undefined ? [] : [`NOT ${reaches(term.most + 1)}`]),
  ]
}
