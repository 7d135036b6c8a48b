import type { FoundPicture } from '../../jobs/job.ts'
import { bucketOf, rankedScores } from '../../jobs/search.ts'
import type { Item } from './item.ts'
import { entryKey, labelPartition, listPartition, placeIn } from './keys.ts'
import type { Write } from './table.ts'

type Put = Extract<Write, { kind: 'put' }>

/** Pictures of one job that were finished in one moment. */
interface Together {
  tenant: string
  job: string
  at: number
  tag: string
  ttl: number
}

/** A picture in an entry: its number and, under a label, the scores that it has there. */
type Listed = [n: number, scores?: readonly number[]]

/**
 * What search walks: an entry for each label in the tenth of its best score, and one for each list, with all the
 * pictures that were finished together and belong there. Entries count only for pictures that have their tag.
 */
export function indexWrites(
  { tenant, job, at, tag, ttl }: Together,
  pictures: readonly { n: number; found: FoundPicture }[],
): Put[] {
  const entries = new Map<string, Listed[]>()
  const list = (pk: string, ...one: Listed): void => {
    entries.set(pk, [...(entries.get(pk) ?? []), one])
  }
  for (const { n, found } of pictures) {
    list(listPartition(tenant, 'done'), n)
    const lower = found.image.detections.map(({ label, score }) => ({ label: label.toLowerCase(), score }))
    const byLabel = new Map<string, number[]>()
    for (const { label, score } of rankedScores(lower)) {
      byLabel.set(label, [...(byLabel.get(label) ?? []), score])
    }
    for (const [label, scores] of byLabel) {
      list(labelPartition(tenant, label, bucketOf(scores[0]!)), n, scores)
    }
    if (found.verdict !== undefined) {
      list(listPartition(tenant, found.verdict.verdict), n)
    }
    if (found.uncertain) {
      list(listPartition(tenant, 'uncertain'), n)
    }
  }
  return [...entries].map(([pk, listed]) => ({
    kind: 'put',
    item: { pk, sk: entryKey(at, job, tag), job, tag, listed: JSON.stringify(listed), ttl },
  }))
}

/** A picture that the index names. */
export interface Entry {
  /** Sorts as it does in its partition. */
  place: string
  job: string
  n: number
  tag: string
  scores: readonly number[]
}

/** The pictures of an entry, last place first. */
export function entriesOf({ sk, job, tag, listed }: Item): Entry[] {
  return (JSON.parse(String(listed)) as Listed[])
    .map(([n, scores = []]) => ({
      place: placeIn(String(sk), n),
      job: String(job),
      n,
      tag: String(tag),
      scores,
    }))
    .sort((a, b) => (a.place > b.place ? -1 : 1))
}
