import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { DatasetImage } from '../../datasets/dataset.ts'
import { type PlacedPicture, place } from '../../detector/pipeline.ts'
import { BoxletError, throwIfAborted } from '../../errors.ts'
import { decodeImage } from '../../image/decode/decode.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { Contract } from '../../model/contract.ts'

/** A photograph that comes with Boxlet: fine texture, smooth background, two objects. */
const BUNDLED = new URL('../../../docs/images/coffee.jpg', import.meta.url)

/** The photograph as it is, turned round, and its middle: three pictures of unlike content. */
export async function bundledPictures(): Promise<RgbImage[]> {
  const { pixels } = await decodeImage(new Uint8Array(await readFile(fileURLToPath(BUNDLED))))
  return [pixels, turned(pixels), middle(pixels)]
}

function turned({ width, height, data }: RgbImage): RgbImage {
  const count = width * height
  const result = new Uint8Array(data.length)
  for (let at = 0; at < count; at++) {
    const from = 3 * (count - 1 - at)
    result.set(data.subarray(from, from + 3), 3 * at)
  }
  return { width, height, data: result }
}

function middle({ width, height, data }: RgbImage): RgbImage {
  const size = { width: width >> 1, height: height >> 1 }
  const result = new Uint8Array(3 * size.width * size.height)
  for (let y = 0; y < size.height; y++) {
    const from = 3 * ((y + (height >> 2)) * width + (width >> 2))
    result.set(data.subarray(from, from + 3 * size.width), 3 * y * size.width)
  }
  return { ...size, data: result }
}

/**
 * Pictures of files in their place for a model, one at a time, so that no more than one is held.
 *
 * @param onProblem told for pictures that cannot be decoded, which are passed over
 * @throws BoxletError DATASET_INVALID when none can be decoded, ABORTED
 */
export async function* placedPictures(
  images: readonly Pick<DatasetImage, 'path'>[],
  contract: Contract,
  signal: AbortSignal | undefined,
  onProblem: (path: string, error: BoxletError) => void = () => {},
): AsyncGenerator<{ index: number; placed: PlacedPicture }> {
  let decoded = 0
  for (const [index, { path }] of images.entries()) {
    throwIfAborted(signal)
    const placed = await placedPicture(path, contract, onProblem)
    if (placed !== undefined) {
      decoded++
      yield { index, placed }
    }
  }
  if (decoded === 0) {
    throw new BoxletError(
      'DATASET_INVALID',
      `Expected pictures that can be decoded but none of ${images.length} can.`,
    )
  }
}

export async function placedPicture(
  path: string,
  contract: Contract,
  onProblem: (path: string, error: BoxletError) => void,
): Promise<PlacedPicture | undefined> {
  try {
    const bytes = new Uint8Array(await readFile(path))
    const { pixels, size } = await decodeImage(bytes)
    return place(pixels, contract, size)
  } catch (error) {
    if (error instanceof BoxletError && error.code.startsWith('IMAGE_')) {
      onProblem(path, error)
      return undefined
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      onProblem(
        path,
        new BoxletError('IMAGE_NOT_FOUND', `Expected a picture at "${path}" but there is none.`),
      )
      return undefined
    }
    throw error
  }
}
