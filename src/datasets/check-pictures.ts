import { toBoxletError } from '../errors.ts'
import { decodeImage } from '../image/decode/decode.ts'
import type { Dataset, DatasetImage } from './dataset.ts'
import { mapInOrder } from './in-order.ts'
import type { Problem } from './problem.ts'
import { readFile } from './readable.ts'

/** Decoding runs on four threads of the pool; more in work only hold memory. */
const CONCURRENCY = 4

/** Decodes every picture and lists those that are missing, cut off, damaged, or of another size than stated. */
export async function checkPictures(
  dataset: Dataset,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<Problem[]> {
  let done = 0
  const found = await mapInOrder(
    dataset.images,
    CONCURRENCY,
    async (image) => {
      const problem = await checkPicture(image)
      onProgress?.(++done, dataset.images.length)
      return problem
    },
    signal,
  )
  return found.filter((problem) => problem !== undefined)
}

async function checkPicture(image: DatasetImage): Promise<Problem | undefined> {
  const file = image.path
  const bytes = await readFile(file).catch(() => undefined)
  if (bytes === undefined) {
    return { kind: 'picture-missing', file, message: 'Expected a picture but there is no such file' }
  }
  try {
    const { size } = await decodeImage(bytes)
    if (size.width === image.width && size.height === image.height) {
      return undefined
    }
    const message = `Expected ${image.width} × ${image.height} as the annotations say but the upright picture has ${size.width} × ${size.height}`
    return { kind: 'picture-size', file, message }
  } catch (error) {
    const { code, message } = toBoxletError(error)
    const kind = code === 'IMAGE_TRUNCATED' ? 'picture-truncated' : 'picture-unreadable'
    return { kind, file, message: message.replace(/\.$/, '') }
  }
}
