import type { FoundPicture, PictureRef } from '../../jobs/job.ts'
import { bucketOf, rankedScores } from '../../jobs/search.ts'
import { labelPartition, listPartition, placeKey } from './keys.ts'
import type { Write } from './table.ts'

type Put = Extract<Write, { kind: 'put' }>

/**
 * What search walks for one picture: an entry for each of its labels, in the tenth of its best score, with all its
 * scores; and one in each list that holds it. Entries count only while the picture has the outcome of their time.
 */
export function indexWrites(ref: PictureRef, found: FoundPicture, at: number, ttl: number): Put[] {
  const { tenant, job, n } = ref
  const sk = placeKey(at, job, n)
  const lower = found.image.detections.map(({ label, score }) => ({ label: label.toLowerCase(), score }))
  const byLabel = new Map<string, number[]>()
  for (const { label, score } of rankedScores(lower)) {
    byLabel.set(label, [...(byLabel.get(label) ?? []), score])
  }
  const entry = (pk: string, scores?: readonly number[]): Put => ({
    kind: 'put',
    item: {
      pk,
      sk,
      tenant,
      job,
      n,
      at,
      scores: scores === undefined ? undefined : JSON.stringify(scores),
      ttl,
    },
  })
  return [
    entry(listPartition(tenant, 'done')),
    ...[...byLabel].map(([label, scores]) =>
      entry(labelPartition(tenant, label, bucketOf(scores[0]!)), scores),
    ),
    ...(found.verdict === undefined ? [] : [entry(listPartition(tenant, found.verdict.verdict))]),
    ...(found.uncertain ? [entry(listPartition(tenant, 'uncertain'))] : []),
  ]
}
