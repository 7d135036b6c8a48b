import type { ContractOutput } from '../../model/contract.ts'
import type { DecodeContext } from '../family.ts'
import type { CandidateList } from './candidates.ts'

/** Factors that bring box values to pixels of the frame that the contract names. */
export interface BoxUnits {
  x: number
  y: number
}

/**
 * Pixels stay; ratios are multiplied by the model input, or by the original picture when the graph has undone
 * the resize itself.
 */
export function boxUnits({ contract, letterbox }: DecodeContext): BoxUnits {
  if (contract.output.boxUnits === 'pixels') {
    return { x: 1, y: 1 }
  }
  const frame = contract.output.frame === 'image' ? letterbox.image : letterbox.input
  return { x: frame.width, y: frame.height }
}

/**
 * Adds one box of four values at `at`, in the code of the contract, to the list.
 *
 * cost  corners read as centre and size (or the other way round) give boxes that look alike near the middle
 *       of the picture and are wrong everywhere else
 */
export function addCodedBox(
  list: CandidateList,
  code: ContractOutput['boxCode'],
  units: BoxUnits,
  values: Float32Array,
  at: number,
  score: number,
  classId: number,
  row: number,
): void {
  const a = values[at]!
  const b = values[at + 1]!
  const c = values[at + 2]!
  const d = values[at + 3]!
  const { x, y } = units
  if (code === 'cxcywh') {
    list.add((a - c / 2) * x, (b - d / 2) * y, (a + c / 2) * x, (b + d / 2) * y, score, classId, row)
  } else if (code === 'xywh') {
    list.add(a * x, b * y, (a + c) * x, (b + d) * y, score, classId, row)
  } else if (code === 'yxyx') {
    list.add(b * x, a * y, d * x, c * y, score, classId, row)
  } else {
    list.add(a * x, b * y, c * x, d * y, score, classId, row)
  }
}

/**
 * Gives the best class of a row, or each one at or above the threshold where a reference evaluation asks for
 * every class. The score of a class is `factor` times its value.
 */
export function takeClasses(
  values: Float32Array,
  from: number,
  factor: number,
  context: DecodeContext,
  take: (classId: number, score: number) => void,
): void {
  const { classes } = context.contract.output
  const best = argmax(values, from, classes)
  const most = factor * values[from + best]!
  if (!(most >= context.minScore)) {
    return
  }
  if (context.everyClass !== true) {
    take(best, most)
    return
  }
  for (let classId = 0; classId < classes; classId++) {
    const score = factor * values[from + classId]!
    if (score >= context.minScore) {
      take(classId, score)
    }
  }
}

/** Index, from `from`, of the largest of `count` values; the first of equals. */
export function argmax(values: Float32Array, from: number, count: number): number {
  let best = 0
  let most = values[from]!
  for (let i = 1; i < count; i++) {
    const value = values[from + i]!
    if (value > most) {
      most = value
      best = i
    }
  }
  return best
}
