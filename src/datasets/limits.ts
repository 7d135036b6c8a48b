import { BoxletError } from '../errors.ts'
import { stat } from './readable.ts'

/** Limits on annotation files that may come from anyone. */

/** The longest text that V8 holds is 2²⁹ − 24 characters; COCO's largest file, train2017, has 448 MB. */
export const MAX_COCO_BYTES: number = 500 * 2 ** 20
/** One VOC file describes one picture; 10,000 objects take 3 MB. */
export const MAX_VOC_BYTES: number = 8 * 2 ** 20
/** One label file describes one picture; a polygon of 1,000 points takes 20 kB. */
export const MAX_YOLO_BYTES: number = 16 * 2 ** 20
/** Split lists: a million lines of 100 characters. */
export const MAX_LIST_BYTES: number = 100 * 2 ** 20
/** A `data.yaml` with 10,000 class names takes 300 kB. YAML aliases may still multiply, see `MAX_YAML_ALIASES`. */
export const MAX_YAML_BYTES: number = 4 * 2 ** 20
/** Aliases are not needed in a `data.yaml`; a handful is a harmless habit, thousands are an attack. */
export const MAX_YAML_ALIASES = 20
/** Objects in one picture: crowded aerial sets reach 5,000. */
export const MAX_OBJECTS_PER_PICTURE = 50_000
/** Classes: LVIS has 1,203, Objects365 365; the matching tables grow with pictures × classes. */
export const MAX_CLASSES = 20_000
/** Pictures: Open Images has 9 million in all, 125,000 in its test set. */
export const MAX_PICTURES = 5_000_000
/** Files in a picture folder: every picture may have a label file and a few more beside it. */
export const MAX_ENTRIES: number = 4 * MAX_PICTURES
/** Edge of a picture as an annotation may claim it: JPEG ends at 65,535; PNG panoramas go a little further. */
export const MAX_EDGE = 1_000_000

/** Refuses a file before reading it. */
export async function checkBytes(path: string, limit: number, what: string): Promise<void> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new BoxletError('DATASET_INVALID', `Expected ${what} at "${path}" but there is no such file.`, {
      cause,
    })
  })
  if (!info.isFile()) {
    throw new BoxletError('DATASET_INVALID', `Expected ${what} at "${path}" but it is not a file.`)
  }
  if (info.size > limit) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected at most ${limit} bytes for ${what} but "${path}" has ${info.size}.`,
    )
  }
}
