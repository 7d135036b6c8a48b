import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Detection } from '../../src/boxes/detection.ts'
import { Detector } from '../../src/detector/detector.ts'
import type { DetectOptions, LoadOptions, ModelInfo } from '../../src/detector/types.ts'

export interface Found {
  model: ModelInfo
  detections: Detection[]
}

/** Loads a model from bytes, as a user loads a file, and looks at one grey picture of the given size. */
export async function find(
  bytes: Uint8Array,
  picture: { width: number; height: number },
  options: DetectOptions & Pick<LoadOptions, 'contract' | 'labels'> = {},
): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-family-'))
  try {
    const path = join(folder, 'model.onnx')
    await writeFile(path, bytes)
    const { contract, labels, ...detect } = options
    await using detector = await Detector.load(path, {
      threads: 1,
      ...(contract === undefined ? {} : { contract }),
      ...(labels === undefined ? {} : { labels }),
    })
    const data = new Uint8Array(picture.width * picture.height * 3).fill(128)
    const { detections } = await detector.detect({ ...picture, data }, detect)
    return { model: detector.model, detections }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Label, score and corners rounded to a tenth, for comparing with what was put in. */
export const summary = (detections: readonly Detection[]) =>
  detections.map(({ label, score, box }) => [
    label,
    Math.round(score * 1000) / 1000,
    ...[box.x1, box.y1, box.x2, box.y2].map((edge) => Math.round(edge * 10) / 10),
  ])

/** A table of zeros with some rows set; a row may be shorter than the table is wide. */
export function table(
  rows: number,
  columns: number,
  set: Record<number, readonly number[]>,
  fill = 0,
): Float32Array {
  const values = new Float32Array(rows * columns).fill(fill)
  for (const [row, cells] of Object.entries(set)) {
    values.set(cells, Number(row) * columns)
  }
  return values
}

/** A row of five fixed values and class scores, one of them set. */
export const row = (
  fixed: readonly number[],
  classes: number,
  classId: number,
  score: number,
  rest = 0,
): number[] => [...fixed, ...Array.from({ length: classes }, (_, id) => (id === classId ? score : rest))]

/** Inverse of the sigmoid. */
export const logitOf = (p: number): number => Math.log(p / (1 - p))
