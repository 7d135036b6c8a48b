/**
 * Divides pictures into parts so that every class keeps its share in each, rare classes first (iterative
 * stratification). A plain shuffle often leaves a rare class without a single object in the smallest part.
 *
 * source  Sechidis, Tsoumakas, Vlahavas: On the Stratification of Multi-Label Data (2011)
 */
import type { Dataset } from './dataset.ts'

export interface Share {
  name: string
  /** Shares need not sum to one; they are taken in proportion. */
  share: number
}

/** @returns the ids of the pictures of each part, in the order of `shares` */
export function stratify(dataset: Dataset, shares: readonly Share[], random: () => number): Set<number>[] {
  const total = shares.reduce((sum, { share }) => sum + share, 0)
  const parts = shares.map(({ share }) => ({
    ids: new Set<number>(),
    left: (share / total) * dataset.images.length,
  }))
  const classesOf = new Map<number, Map<number, number>>(dataset.images.map((image) => [image.id, new Map()]))
  const wanted = new Map<number, number[]>()
  for (const { imageId, categoryId } of dataset.annotations) {
    const classes = classesOf.get(imageId)
    if (classes === undefined) {
      continue
    }
    classes.set(categoryId, (classes.get(categoryId) ?? 0) + 1)
    if (!wanted.has(categoryId)) {
      wanted.set(
        categoryId,
        shares.map(() => 0),
      )
    }
    wanted.get(categoryId)!.forEach((_, i, list) => {
      list[i]! += shares[i]!.share / total
    })
  }
  const remaining = new Set(
    shuffle(
      dataset.images.map((image) => image.id),
      random,
    ),
  )
  const put = (id: number, at: number) => {
    remaining.delete(id)
    parts[at]!.ids.add(id)
    parts[at]!.left--
    for (const [category, count] of classesOf.get(id)!) {
      wanted.get(category)![at]! -= count
    }
  }
  for (;;) {
    const category = rarestClass(remaining, classesOf)
    if (category === undefined) {
      break
    }
    for (const id of [...remaining]) {
      if (!classesOf.get(id)!.has(category)) {
        continue
      }
      put(id, neediest(wanted.get(category)!, parts))
    }
  }
  // Pictures without objects fill what is left of each part.
  for (const id of [...remaining]) {
    put(
      id,
      neediest(
        parts.map((part) => part.left),
        parts,
      ),
    )
  }
  return parts.map((part) => part.ids)
}

/** The class with the fewest pictures among those that are not placed yet. */
function rarestClass(
  remaining: ReadonlySet<number>,
  classesOf: ReadonlyMap<number, ReadonlyMap<number, number>>,
): number | undefined {
  const counts = new Map<number, number>()
  for (const id of remaining) {
    for (const category of classesOf.get(id)!.keys()) {
      counts.set(category, (counts.get(category) ?? 0) + 1)
    }
  }
  let rarest: number | undefined
  for (const [category, count] of counts) {
    if (
      rarest === undefined ||
      count < counts.get(rarest)! ||
      (count === counts.get(rarest)! && category < rarest)
    ) {
      rarest = category
    }
  }
  return rarest
}

/** The part that lacks most; of equal ones the one with more room. */
function neediest(lacking: readonly number[], parts: readonly { left: number }[]): number {
  let best = 0
  for (let i = 1; i < lacking.length; i++) {
    const more = lacking[i]! - lacking[best]!
    if (more > 1e-9 || (Math.abs(more) <= 1e-9 && parts[i]!.left > parts[best]!.left)) {
      best = i
    }
  }
  return best
}

export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j]!, list[i]!]
  }
  return list
}
