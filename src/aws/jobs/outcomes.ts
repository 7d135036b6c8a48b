/** What is written when pictures of one job have their outcomes: as few units as it takes, since each has a price. */
import { randomBytes } from 'node:crypto'
import type { FinishedPicture, FoundPicture, PictureOutcome } from '../../jobs/job.ts'
import { blobWrites } from './accept.ts'
import { countWrite, type JobCounters, sumLabels } from './counters.ts'
import { indexWrites } from './find-index.ts'
import { ttlOf } from './job-items.ts'
import { failureKey, pictureKey } from './keys.ts'
import type { PackedFound } from './picture-items.ts'
import type { Write } from './table.ts'

/** Results of 64 KB each stay below the 4 MB that a transaction takes, with room for a counter. */
const MOST_IN_PART = 25
/** An update has room for 300 names. Source: DynamoDB developer guide, "Service quotas", expression parameters. */
const MOST_LABELS = 250

/** Finished pictures that are written together. */
export interface Part {
  job: Omit<JobCounters, 'ttl'> & { expiresAt: number }
  at: number
  /** Of this part alone; entries of the index count only for pictures that have it. */
  tag: string
  pictures: readonly (FinishedPicture & { packed?: PackedFound })[]
}

export const newTag = (): string => randomBytes(4).toString('hex')

/** Each picture once, those of one job together, and never more than a transaction takes. */
export function partsOf(finished: readonly FinishedPicture[]): FinishedPicture[][] {
  const byJob = new Map<string, Map<number, FinishedPicture>>()
  for (const one of finished) {
    const name = `${one.ref.tenant} ${one.ref.job}`
    const pictures = byJob.get(name) ?? new Map<number, FinishedPicture>()
    byJob.set(name, pictures.has(one.ref.n) ? pictures : pictures.set(one.ref.n, one))
  }
  return [...byJob.values()].flatMap((pictures) => split([...pictures.values()]))
}

function split(pictures: readonly FinishedPicture[]): FinishedPicture[][] {
  const parts: FinishedPicture[][] = []
  let labels = new Set<string>()
  for (const picture of pictures) {
    const own = foundIn(picture.outcome)?.image.detections.map(({ label }) => label) ?? []
    const all = new Set([...labels, ...own])
    const part = parts.at(-1)
    if (part === undefined || part.length === MOST_IN_PART || all.size > MOST_LABELS) {
      parts.push([picture])
      labels = new Set(own)
    } else {
      part.push(picture)
      labels = all
    }
  }
  return parts
}

const foundIn = (outcome: PictureOutcome): FoundPicture | undefined =>
  outcome.state === 'succeeded' ? outcome.found : undefined

/** Come before the outcomes, so that none is without them; who reads an entry looks whether its picture has its tag. */
export function writesBefore({ job, at, tag, pictures }: Part): Extract<Write, { kind: 'put' }>[] {
  const { tenant, id, expiresAt } = job
  const ttl = ttlOf(expiresAt)
  const found = pictures.flatMap(({ ref, outcome }) => {
    const one = foundIn(outcome)
    return one === undefined ? [] : [{ n: ref.n, found: one }]
  })
  return [
    ...indexWrites({ tenant, job: id, at, tag, ttl }, found),
    ...blobWrites(
      found.flatMap(({ found: { annotated, kept } }) => [annotated, kept].flatMap((blob) => blob?.key ?? [])),
      expiresAt,
    ),
    ...pictures
      .filter(({ outcome }) => outcome.state === 'failed')
      .map(({ ref }) => ({ kind: 'put' as const, item: { ...failureKey(ref), n: ref.n, ttl } })),
  ]
}

/** The transaction: one write for each picture in its order, and one for the counters of their job. */
export function writesTogether({ job, at, tag, pictures }: Part): Write[] {
  const counts = { succeeded: 0, failed: 0 }
  for (const { outcome } of pictures) {
    counts[outcome.state]++
  }
  const labels = sumLabels(pictures.map(({ outcome }) => foundIn(outcome)))
  return [
    ...pictures.map(({ ref, outcome, receives, packed }): Write => {
      const [attribute, value] =
        packed ?? (outcome.state === 'failed' ? ['lastError', JSON.stringify(outcome.error)] : [])
      const isFound = attribute !== undefined && value !== undefined
      return {
        kind: 'update',
        key: pictureKey(ref),
        set: [
          'SET pictureState = :state, finishedAt = :at, entryTag = :tag',
          isFound ? `, ${attribute} = :found` : '',
          outcome.state === 'succeeded' ? ' REMOVE lastError' : '',
          ' ADD attempts :receives',
        ].join(''),
        values: {
          ':queued': 'queued',
          ':state': outcome.state,
          ':at': at,
          ':tag': tag,
          ':receives': receives,
          ...(isFound && { ':found': value }),
        },
        condition: 'pictureState = :queued',
      }
    }),
    countWrite(
      { ...job, ttl: ttlOf(job.expiresAt) },
      Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
      { labels },
    ),
  ]
}
