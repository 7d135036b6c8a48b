import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

/**
 * Endings of label files that trainers and model zoos put beside `NAME.onnx`, the plainest last: `NAME.txt` may be
 * anything, which is seen when it is read.
 */
const ENDINGS = [
  '.labels.json',
  '.labels.txt',
  '.labels',
  '.classes.txt',
  '.classes.json',
  '.names',
  '.class_map.json',
  '_class_map.json',
  '_labels.txt',
  '_labelmap.txt',
  '.pbtxt',
  '_label_map.pbtxt',
  '.yaml',
  '.yml',
  '.txt',
]

/** The label file that lies beside a model under its name; undefined where there is none. */
export async function labelsBeside(modelPath: string): Promise<string | undefined> {
  const stem = join(dirname(modelPath), basename(modelPath, extname(modelPath)))
  for (const ending of ENDINGS) {
    const info = await stat(`${stem}${ending}`).catch(() => undefined)
    if (info?.isFile() && info.size > 0) {
      return `${stem}${ending}`
    }
  }
  return undefined
}
