import { basename, extname } from 'node:path'
import { cocoResult } from '../datasets/coco-text.ts'
import type { ModelInfo } from '../detector/types.ts'
import { COCO_80, COCO_SPARSE_IDS } from '../model/labels/label-sets.ts'
import { round } from './native.ts'
import type { ReportWriter } from './report-writer.ts'
import { encodeRle } from './rle.ts'

/**
 * A COCO results file, as `pycocotools` loads it: image id, category id, x, y, width, height, score.
 *
 * `image_id` is the number that the file name is, as in COCO's own pictures, else the name without its ending; the
 * path without its ending where several of `sources` have one name.
 * `category_id` is COCO's own id (1–90) for models with the 80 labels of COCO, else the model's class id.
 */
export function cocoWriter(sources: readonly string[] = []): ReportWriter {
  const ids = imageIds(sources)
  let categoryId = (classId: number) => classId
  let rows = 0
  return {
    begin: (model) => {
      categoryId = categoryIds(model)
      return '[\n'
    },
    picture: ({ source, result }) =>
      (result?.detections ?? [])
        .map(({ classId, score, box, mask }) => {
          const [x, y] = [round(box.x1, 2), round(box.y1, 2)]
          const row = cocoResult({
            imageId: ids(source),
            categoryId: categoryId(classId),
            box: { x, y, width: round(box.x2 - box.x1, 2), height: round(box.y2 - box.y1, 2) },
            score: round(score, 6),
            ...(mask && result && { segmentation: encodeRle(mask, result.image) }),
          })
          const line = JSON.stringify(row)
          return `${rows++ === 0 ? '' : ','}${line}\n`
        })
        .join(''),
    end: () => ']\n',
  }
}

function categoryIds(model: ModelInfo): (classId: number) => number {
  const { labels } = model.contract
  const isCoco = labels.length === COCO_80.length && labels.every((label, id) => label === COCO_80[id])
  return isCoco ? (classId) => COCO_SPARSE_IDS[classId] ?? classId : (classId) => classId
}

function imageIds(sources: readonly string[]): (source: string) => number | string {
  const count = new Map<number | string, number>()
  for (const source of new Set(sources)) {
    count.set(imageId(source), (count.get(imageId(source)) ?? 0) + 1)
  }
  return (source) =>
    (count.get(imageId(source)) ?? 0) > 1
      ? source.slice(0, source.length - extname(source).length)
      : imageId(source)
}

function imageId(source: string): number | string {
  const stem = basename(source, extname(source))
  return /^\d{1,15}$/.test(stem) ? Number(stem) : stem
}
