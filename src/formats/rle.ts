import type { Size } from '../boxes/box.ts'
import type { Mask } from '../boxes/detection.ts'
import { runsOfMask } from '../boxes/runs.ts'

/** A mask as COCO stores it; `size` is height, width, and `counts` the compressed runs in column order. */
export interface Rle {
  size: [number, number]
  counts: string
}

/**
 * COCO run-length encoding: runs of 0 and 1 down the columns, starting with 0.
 *
 * source  pycocotools `rleEncode`, `rleToString`
 * cost    row order instead of column order decodes without error to a mask lying on its side
 */
export function encodeRle(mask: Mask, image: Size): Rle {
  return { size: [image.height, image.width], counts: compress(runsOfMask(mask, image)) }
}

/** Five bits a character from 48 on; from the third run on, the difference to the run two before. */
function compress(counts: readonly number[]): string {
  let out = ''
  counts.forEach((count, i) => {
    let value = i > 2 ? count - counts[i - 2]! : count
    for (let more = true; more; ) {
      let bits = value & 0x1f
      value >>= 5
      more = bits & 0x10 ? value !== -1 : value !== 0
      if (more) {
        bits |= 0x20
      }
      out += String.fromCharCode(bits + 48)
    }
  })
  return out
}

/** The mask over the whole picture; the inverse of `encodeRle` up to the bitmap's place. */
export function decodeRle({ size: [height, width], counts }: Rle): Mask {
  const data = new Uint8Array(width * height)
  let place = 0
  decompress(counts).forEach((length, i) => {
    for (let end = Math.min(place + length, data.length); place < end; place++) {
      // Runs go down the columns.
      data[(place % height) * width + Math.floor(place / height)] = i % 2
    }
  })
  return { left: 0, top: 0, width, height, data }
}

function decompress(text: string): number[] {
  const counts: number[] = []
  let at = 0
  while (at < text.length) {
    let value = 0
    let shift = 0
    for (let more = true; more; shift += 5) {
      const bits = text.charCodeAt(at++) - 48
      value |= (bits & 0x1f) << shift
      more = (bits & 0x20) !== 0
      if (!more && (bits & 0x10) !== 0) {
        value |= -1 << (shift + 5)
      }
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2]! : value)
  }
  return counts
}
