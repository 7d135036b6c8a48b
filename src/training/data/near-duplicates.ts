import { readFile } from 'node:fs/promises'
import type { Dataset } from '../../datasets/dataset.ts'
import { mapInOrder } from '../../datasets/in-order.ts'
import { toBoxletError } from '../../errors.ts'
import { decodeImage } from '../../image/decode/decode.ts'
import { resample } from '../../image/resize/resample.ts'

/** Two pictures of different parts that show the same. */
export interface NearDuplicate {
  train: string
  other: string
  part: 'val' | 'test'
}

/** Differences along 16 rows of 17 grey pixels. */
const ROWS = 16
const BITS = ROWS * ROWS
/**
 * Bits that may differ. Copies at another size or quality differ in below 10 of 256; the most alike pairs of different
 * pictures of blood cells, which all look alike, in 60.
 */
const MOST_DIFFERENT = 24
const AT_ONCE = 4

/**
 * Pictures of validation or test that were also learned from: what is measured on them is memory. Pictures that
 * cannot be read are left out; others find those.
 *
 * source  Krawetz: Kind of Like That (2013), "dHash", with 16 × 16 instead of 8 × 8 bits
 */
export async function nearDuplicates(
  train: Dataset,
  others: Partial<Record<NearDuplicate['part'], Dataset | undefined>>,
  signal?: AbortSignal,
): Promise<NearDuplicate[]> {
  const learned = await hashes(train, signal)
  const found: NearDuplicate[] = []
  for (const part of ['val', 'test'] as const) {
    const dataset = others[part]
    for (const { name, hash } of dataset === undefined ? [] : await hashes(dataset, signal)) {
      const twin = learned.find((other) => difference(hash, other.hash) <= MOST_DIFFERENT)
      if (twin !== undefined) {
        found.push({ train: twin.name, other: name, part })
      }
    }
  }
  return found
}

async function hashes(
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<{ name: string; hash: Uint32Array }[]> {
  const all = await mapInOrder(
    dataset.images,
    AT_ONCE,
    async ({ path, fileName }) => {
      const hash = await differenceHash(path).catch((error: unknown) => {
        if (toBoxletError(error).code === 'ABORTED') {
          throw error
        }
        return undefined
      })
      return hash === undefined ? [] : [{ name: fileName, hash }]
    },
    signal,
  )
  return all.flat()
}

/** One bit for each neighbouring pair of grey pixels: whether the right one is brighter. */
async function differenceHash(path: string): Promise<Uint32Array> {
  const to = { width: ROWS + 1, height: ROWS }
  const { pixels } = await decodeImage(await readFile(path), { shrinkTo: to })
  const hash = new Uint32Array(BITS / 32)
  resample(
    pixels,
    to,
    pixels.width > to.width && pixels.height > to.height ? 'area' : 'bilinear',
    (row, y) => {
      for (let x = 0; x < ROWS; x++) {
        if (grey(row, x + 1) > grey(row, x)) {
          const bit = y * ROWS + x
          hash[bit >> 5]! |= 1 << (bit & 31)
        }
      }
    },
  )
  return hash
}

const grey = (row: Uint8Array, x: number): number =>
  299 * row[3 * x]! + 587 * row[3 * x + 1]! + 114 * row[3 * x + 2]!

function difference(a: Uint32Array, b: Uint32Array): number {
  let bits = 0
  for (let i = 0; i < a.length; i++) {
    let left = a[i]! ^ b[i]!
    while (left !== 0) {
      left &= left - 1
      bits++
    }
  }
  return bits
}
