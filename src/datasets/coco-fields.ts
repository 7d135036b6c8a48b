/** Fields of COCO files, whose values may be anything. */
import { isRecord } from '../system/record.ts'
import type { CornerBox, Segmentation } from './dataset.ts'
import { elementLines } from './json-lines.ts'
import type { Problem } from './problem.ts'

export function readBox(value: unknown): CornerBox | undefined {
  if (!Array.isArray(value) || value.length !== 4) {
    return undefined
  }
  if (!value.every((number): number is number => Number.isFinite(number))) {
    return undefined
  }
  const [x, y, width, height] = value as [number, number, number, number]
  return { x, y, width, height }
}

export function isSegmentation(value: unknown): value is Segmentation {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every(Array.isArray)
  }
  return (
    isRecord(value) &&
    (typeof value.counts === 'string' || Array.isArray(value.counts)) &&
    Array.isArray(value.size) &&
    value.size.length === 2
  )
}

/** The line of the file in each problem that knows its place in the list of annotations. */
export function addLines(problems: Problem[], text: string): void {
  const places = new Set(problems.flatMap((problem) => problem.at ?? []))
  if (places.size === 0) {
    return
  }
  const lines = elementLines(text, places)
  for (const problem of problems) {
    const line = problem.at === undefined ? undefined : lines.get(problem.at)
    if (line !== undefined) {
      problem.line = line
    }
  }
}
