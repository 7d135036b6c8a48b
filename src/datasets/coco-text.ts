import type { CornerBox, Segmentation } from './dataset.ts'

/** One detection as COCO results hold it. */
export interface CocoResult {
  imageId: number | string
  categoryId: number
  box: CornerBox
  score: number
  segmentation?: Segmentation
}

/** `[x, y, width, height]`, pixels from the upper left corner. */
export const cocoBox = ({ x, y, width, height }: CornerBox): number[] => [x, y, width, height]

/** A row of a COCO results file, in full precision. */
export const cocoResult = ({ imageId, categoryId, box, score, segmentation }: CocoResult): object => ({
  image_id: imageId,
  category_id: categoryId,
  bbox: cocoBox(box),
  score,
  ...(segmentation && { segmentation }),
})
