import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { Page } from '../jobs/job-store.ts'
import { bucketOf, type Found, fitsReview, type SearchQuery, type SearchTerm } from '../jobs/search.ts'
import { pictureOf } from './job-rows.ts'
import type { SqlValue } from './sqlite.ts'
import type { StoreFile } from './store-file.ts'

/** A place in the order of time: newest first, and by number where two were done in one millisecond. */
interface Place {
  at: number
  picture: number
}

/** Rows read at once from one range of the index. */
const CHUNK = 64

/**
 * Walks the ranges of the index that hold the first term, newest first, and looks each picture up for the others.
 * Without a term that asks for presence it walks the pictures themselves, by verdict where that is asked for.
 */
export function searchStore(file: StoreFile, tenant: string, query: SearchQuery): Page<Found> {
  const first = query.terms.find(({ least }) => least > 0)
  const places = first === undefined ? byTime(file, tenant, query) : byTerm(file, tenant, first, query)
  const items: Found[] = []
  let examined = 0
  let last: Place | undefined
  for (const place of places) {
    if (items.length === query.limit || examined === JOB_DEFAULTS.mostExamined) {
      return { items, cursor: `${last!.at}.${last!.picture}` }
    }
    examined++
    last = place
    if (query.terms.every((term) => fitsTerm(file, place.picture, term, term === first))) {
      const found = foundAt(file, place, query)
      if (found !== undefined) {
        items.push(found)
      }
    }
  }
  return { items }
}

function* byTime(file: StoreFile, tenant: string, query: SearchQuery): Generator<Place> {
  const [filter, value]: [string, SqlValue[]] =
    query.verdict !== undefined
      ? ['verdict = ?', [query.verdict]]
      : [query.uncertain ? 'uncertain = 1' : "state = 'succeeded'", []]
  yield* inChunks((before) =>
    file
      .all(
        `SELECT seq, finished FROM pictures WHERE tenant = ? AND ${filter}
         AND finished >= ? AND finished <= ? AND (finished, seq) < (?, ?)
         ORDER BY finished DESC, seq DESC LIMIT ${CHUNK}`,
        tenant,
        ...value,
        query.since ?? 0,
        before.at,
        before.at,
        before.picture,
      )
      .map(({ seq, finished }) => ({ at: Number(finished), picture: Number(seq) })),
  )(start(query))
}

/** Each tenth of a score is a range in order of time; together they are merged. */
function* byTerm(file: StoreFile, tenant: string, term: SearchTerm, query: SearchQuery): Generator<Place> {
  const ranges: { places: Generator<Place>; next: IteratorResult<Place> }[] = []
  for (let bucket = bucketOf(term.minScore); bucket <= 9; bucket++) {
    const places = inChunks((before) =>
      file
        .all(
          `SELECT at, picture, score FROM finds WHERE tenant = ? AND label = ? AND rank = ? AND bucket = ?
           AND at >= ? AND at <= ? AND (at, picture) < (?, ?) ORDER BY at DESC, picture DESC LIMIT ${CHUNK}`,
          tenant,
          term.label.toLowerCase(),
          term.least,
          bucket,
          query.since ?? 0,
          before.at,
          before.at,
          before.picture,
        )
        .map(({ at, picture }) => ({ at: Number(at), picture: Number(picture) })),
    )(start(query))
    ranges.push({ places, next: places.next() })
  }
  for (;;) {
    let newest: (typeof ranges)[number] | undefined
    for (const range of ranges) {
      if (!range.next.done && (newest === undefined || isAfter(range.next.value, newest.next.value))) {
        newest = range
      }
    }
    if (newest === undefined) {
      return
    }
    yield newest.next.value
    newest.next = newest.places.next()
  }
}

const inChunks = (read: (before: Place) => Place[]) =>
  function* (from: Place): Generator<Place> {
    let before = from
    for (;;) {
      const places = read(before)
      yield* places
      if (places.length < CHUNK) {
        return
      }
      before = places.at(-1)!
    }
  }

function start({ cursor, until }: SearchQuery): Place {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '')
  if (match !== null) {
    return { at: Number(match[1]), picture: Number(match[2]) }
  }
  return { at: until === undefined ? Number.MAX_SAFE_INTEGER : until - 1, picture: Number.MAX_SAFE_INTEGER }
}

const isAfter = (a: Place, b: Place): boolean => a.at > b.at || (a.at === b.at && a.picture > b.picture)

function fitsTerm(file: StoreFile, picture: number, term: SearchTerm, isDriver: boolean): boolean {
  const label = term.label.toLowerCase()
  const reaches = (rank: number): boolean => {
    const score = file.get(
      'SELECT score FROM finds WHERE picture = ? AND label = ? AND rank = ?',
      picture,
      label,
      rank,
    )?.score
    return typeof score === 'number' && score >= term.minScore
  }
  // The bucket of the driver's least score holds lower ones too.
  const enough = term.least === 0 || (isDriver && term.minScore * 10 === bucketOf(term.minScore))
  return (enough || reaches(term.least)) && (term.most === undefined || !reaches(term.most + 1))
}

function foundAt(file: StoreFile, { picture: seq }: Place, query: SearchQuery): Found | undefined {
  const row = file.get(
    `SELECT p.*, j.id AS job_id, a.picture AS current FROM pictures p JOIN jobs j ON j.seq = p.job
     LEFT JOIN arrivals a ON a.tenant = p.tenant AND a.identity = p.identity WHERE p.seq = ?`,
    seq,
  )
  if (row === undefined || (row.current !== null && row.current !== seq)) {
    return undefined
  }
  const picture = pictureOf(row)
  const { found } = picture
  if (found === undefined) {
    return undefined
  }
  const fits =
    (query.model === undefined || found.model.startsWith(query.model)) &&
    (query.verdict === undefined || found.verdict?.verdict === query.verdict) &&
    (query.uncertain === undefined || (found.uncertain ?? false) === query.uncertain) &&
    fitsReview(query, found)
  return fits ? { job: String(row.job_id), picture } : undefined
}
