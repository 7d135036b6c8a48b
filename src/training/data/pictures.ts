import { readFile } from 'node:fs/promises'
import { type Annotation, annotationsByImage, type Dataset } from '../../datasets/dataset.ts'
import { mapInOrder } from '../../datasets/in-order.ts'
import { BoxletError } from '../../errors.ts'
import { decodeImage } from '../../image/decode/decode.ts'
import { resample } from '../../image/resize/resample.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { Labelled } from '../augment/move-boxes.ts'

/** A picture to learn from, at the size that training needs, with its objects in these pixels. */
export interface TrainingPicture {
  /** As the data set names it. */
  name: string
  path: string
  width: number
  height: number
  objects: readonly Labelled[]
  /** RGB in memory that worker threads share; without it the picture is decoded each time it is shown. */
  data?: Uint8Array
}

/** Decoding runs on the four threads of Node's pool. */
const AT_ONCE = 4
/** Pixels of the longest edge for each of the input: pictures may be shown larger than they just fit. */
const OVERSIZE = 1.25
/** Pixels kept in memory: a thousand pictures at 416. Later ones are decoded again, 5 ms each time. */
const KEPT_BYTES = 512 * 2 ** 20

/**
 * Decodes pictures once and keeps them, as many as fit into `KEPT_BYTES`.
 *
 * @param size edge of the input
 * @param classIndex index of the class by category id
 */
export async function readPictures(
  dataset: Dataset,
  size: number,
  classIndex: ReadonlyMap<number, number>,
  signal?: AbortSignal,
): Promise<TrainingPicture[]> {
  const annotations = annotationsByImage(dataset)
  let left = KEPT_BYTES
  return mapInOrder(
    dataset.images,
    AT_ONCE,
    async ({ id, path, fileName, width, height }) => {
      const kept = within({ width, height }, Math.round(size * OVERSIZE))
      const bytes = 3 * kept.width * kept.height
      const isKept = left >= bytes
      left -= isKept ? bytes : 0
      const scale = { x: kept.width / width, y: kept.height / height }
      const picture: TrainingPicture = {
        name: fileName,
        path,
        ...kept,
        objects: labelled(annotations.get(id) ?? [], scale, classIndex),
      }
      return isKept
        ? { ...picture, data: await decodeTo(path, kept, new SharedArrayBuffer(bytes), signal) }
        : picture
    },
    signal,
  )
}

/** The pixels of a picture, from memory or from its file. */
export async function pixelsOf({ path, width, height, data }: TrainingPicture): Promise<RgbImage> {
  const pixels = data ?? (await decodeTo(path, { width, height }, new ArrayBuffer(3 * width * height)))
  return { width, height, data: pixels }
}

async function decodeTo(
  path: string,
  to: { width: number; height: number },
  memory: ArrayBufferLike,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new BoxletError(
      'TEACHING_FAILED',
      `Expected to read the picture "${path}" but it cannot be read any more.`,
      { cause, hint: 'Leave the pictures where they are while a run goes on.' },
    )
  })
  const { pixels } = await decodeImage(bytes, {
    shrinkTo: () => to,
    ...(signal === undefined ? {} : { signal }),
  })
  const data = new Uint8Array(memory)
  resample(pixels, to, to.width < pixels.width ? 'area' : 'bilinear', (row, y) => {
    data.set(row, y * 3 * to.width)
  })
  return data
}

function labelled(
  annotations: readonly Annotation[],
  scale: { x: number; y: number },
  classIndex: ReadonlyMap<number, number>,
): Labelled[] {
  return annotations.flatMap(({ categoryId, box, crowd }) => {
    const classId = classIndex.get(categoryId)
    if (classId === undefined || crowd) {
      return []
    }
    const { x, y, width, height } = box
    return [
      {
        classId,
        box: {
          x1: x * scale.x,
          y1: y * scale.y,
          x2: (x + width) * scale.x,
          y2: (y + height) * scale.y,
        },
      },
    ]
  })
}

/** Never larger than the picture is. */
function within({ width, height }: { width: number; height: number }, edge: number) {
  const scale = Math.min(1, edge / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}
