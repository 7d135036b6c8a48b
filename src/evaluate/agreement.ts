/** What two detectors find in common. Boxes pair when they are of one class and overlap by IoU 0.50 or more. */

const IOU = 0.5

export interface ScoredBox {
  label: string
  score: number
  x: number
  y: number
  width: number
  height: number
}
export type BoxSet = ScoredBox[]

export interface PictureAgreement {
  /** Index of the picture. */
  image: number
  both: { a: ScoredBox; b: ScoredBox; iou: number }[]
  onlyA: ScoredBox[]
  onlyB: ScoredBox[]
}

export interface Agreement {
  both: number
  onlyA: number
  onlyB: number
  /** 2 · both / all boxes of both; 1 when neither finds anything. */
  f1: number
  /** Over the pairs. */
  meanIou: number
  meanScoreDifference: number
}

/** Pairs the boxes of a picture, the pair with the highest IoU first. */
export function agree(image: number, a: readonly ScoredBox[], b: readonly ScoredBox[]): PictureAgreement {
  const pairs = a.flatMap((first) =>
    b
      .filter((second) => second.label === first.label)
      .map((second) => ({ a: first, b: second, iou: overlap(first, second) }))
      .filter((pair) => pair.iou >= IOU),
  )
  pairs.sort((x, y) => y.iou - x.iou)
  const used = new Set<ScoredBox>()
  const both = pairs.filter((pair) => {
    if (used.has(pair.a) || used.has(pair.b)) {
      return false
    }
    used.add(pair.a).add(pair.b)
    return true
  })
  return {
    image,
    both,
    onlyA: a.filter((box) => !used.has(box)),
    onlyB: b.filter((box) => !used.has(box)),
  }
}

function overlap(a: ScoredBox, b: ScoredBox): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) {
    return 0
  }
  const common = width * height
  return common / (a.width * a.height + b.width * b.height - common)
}
