import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import type { JobPicture } from '../../jobs/job.ts'
import type { Page } from '../../jobs/job-store.ts'
import {
  bucketOf,
  type Found,
  fitsReview,
  rankedScores,
  type SearchQuery,
  type SearchTerm,
} from '../../jobs/search.ts'
import { type Entry, entriesOf } from './find-index.ts'
import { arrivalKey, labelPartition, listPartition, PLACE, pictureKey, placeAt } from './keys.ts'
import type { PictureItems } from './picture-items.ts'
import type { Table } from './table.ts'

/** Entries whose pictures are fetched at once. */
const CHUNK = 50

/**
 * Walks the entries of the first term, newest first, and looks into each picture for the rest. Without a term that asks
 * for presence it walks a list of all pictures, by verdict or doubt where that is asked for.
 */
export async function searchTable(
  table: Table,
  pictures: PictureItems,
  tenant: string,
  query: SearchQuery,
): Promise<Page<Found>> {
  const first = query.terms.find(({ least }) => least > 0)
  const items: Found[] = []
  let examined = 0
  let last: string | undefined
  for await (const entries of inChunks(
    first === undefined ? byList(table, tenant, query) : byTerm(table, tenant, first, query),
  )) {
    const found = await foundAt(table, pictures, tenant, entries, query)
    for (const [index, entry] of entries.entries()) {
      if (items.length === query.limit || examined >= JOB_DEFAULTS.mostExamined) {
        return { items, cursor: last! }
      }
      examined++
      last = entry.place
      const one = found[index]
      if (one !== undefined) {
        items.push(one)
      }
    }
  }
  return { items }
}

function byList(table: Table, tenant: string, query: SearchQuery): AsyncGenerator<Entry> {
  const list = query.verdict ?? (query.uncertain ? 'uncertain' : 'done')
  return walk(table, listPartition(tenant, list), query)
}

/** Each tenth of a score is a range in order of time; together they are merged. */
async function* byTerm(
  table: Table,
  tenant: string,
  term: SearchTerm,
  query: SearchQuery,
): AsyncGenerator<Entry> {
  const ranges: { entries: AsyncGenerator<Entry>; next: IteratorResult<Entry> }[] = []
  for (let bucket = bucketOf(term.minScore); bucket <= 9; bucket++) {
    const entries = walk(table, labelPartition(tenant, term.label.toLowerCase(), bucket), query)
    ranges.push({ entries, next: await entries.next() })
  }
  for (;;) {
    let newest: (typeof ranges)[number] | undefined
    for (const range of ranges) {
      if (
        !range.next.done &&
        (newest === undefined || range.next.value.place > (newest.next.value as Entry).place)
      ) {
        newest = range
      }
    }
    if (newest === undefined) {
      return
    }
    const entry = newest.next.value as Entry
    if ((entry.scores[term.least - 1] ?? -1) >= term.minScore) {
      yield entry
    }
    newest.next = await newest.entries.next()
  }
}

/** @param query begins behind the place of its cursor, or before its time */
async function* walk(
  table: Table,
  pk: string,
  { cursor = '', since, until }: SearchQuery,
): AsyncGenerator<Entry> {
  const entry = PLACE.exec(cursor)?.groups?.entry
  const to = entry ?? (until === undefined ? '9' : placeAt(until))
  const items = table.query({
    pk,
    descending: true,
    page: CHUNK,
    consistent: false,
    from: placeAt(since ?? 0),
    to,
  })
  for await (const item of items) {
    for (const one of entriesOf(item)) {
      // The entry of the cursor was given in part.
      if (entry === undefined || one.place < cursor) {
        yield one
      }
    }
  }
}

async function* inChunks(entries: AsyncGenerator<Entry>): AsyncGenerator<Entry[]> {
  let chunk: Entry[] = []
  for await (const entry of entries) {
    chunk.push(entry)
    if (chunk.length === CHUNK) {
      yield chunk
      chunk = []
    }
  }
  if (chunk.length > 0) {
    yield chunk
  }
}

async function foundAt(
  table: Table,
  pictures: PictureItems,
  tenant: string,
  entries: readonly Entry[],
  query: SearchQuery,
): Promise<(Found | undefined)[]> {
  const refs = entries.map(({ job, n }) => ({ tenant, job, n }))
  const items = await table.getAll(refs.map(pictureKey))
  const arrived = items.flatMap((item) => (item?.arrival === undefined ? [] : [String(item.arrival)]))
  const arrivals = await table.getAll(arrived.map((identity) => arrivalKey(tenant, identity)))
  const newest = new Map(arrived.map((identity, i) => [identity, arrivals[i]]))
  return Promise.all(
    items.map(async (item, i) => {
      const { job, n } = refs[i]!
      // An entry that was written for an outcome that did not come to be, or that a retry took back.
      if (item?.pictureState !== 'succeeded' || item.entryTag !== entries[i]!.tag) {
        return undefined
      }
      const current = item.arrival === undefined ? undefined : newest.get(String(item.arrival))
      if (current !== undefined && (current.job !== job || current.n !== n)) {
        return undefined
      }
      const picture = await pictures.read(item, false)
      return fits(picture, query) ? { job, picture } : undefined
    }),
  )
}

function fits({ found }: JobPicture, query: SearchQuery): boolean {
  if (found === undefined) {
    return false
  }
  const lower = found.image.detections.map(({ label, score }) => ({ label: label.toLowerCase(), score }))
  const ranked = rankedScores(lower)
  return (
    query.terms.every((term) => fitsTerm(ranked, term)) &&
    (query.model === undefined || found.model.startsWith(query.model)) &&
    (query.verdict === undefined || found.verdict?.verdict === query.verdict) &&
    (query.uncertain === undefined || (found.uncertain ?? false) === query.uncertain) &&
    fitsReview(query, found)
  )
}

function fitsTerm(
  ranked: ReturnType<typeof rankedScores>,
  { label, minScore, least, most }: SearchTerm,
): boolean {
  const count = ranked.filter((one) => one.label === label.toLowerCase() && one.score >= minScore).length
  return count >= least && (most === undefined || count <= most)
}
