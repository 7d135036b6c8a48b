import { jpegHeader } from '../image/decode/jpeg-header.ts'
import { loadSharp } from '../image/decode/load-sharp.ts'
import { open } from './readable.ts'

/** Where a JPEG states its size: after EXIF and colour profile, which fit into this for nearly all cameras. */
const HEADER_BYTES = 2 ** 16

/** Upright size by the header alone, or undefined when the file is not a picture that is read here. */
export async function pictureSize(path: string): Promise<{ width: number; height: number } | undefined> {
  try {
    const start = await readStart(path)
    if (start[0] === 0xff && start[1] === 0xd8) {
      const header = jpegHeader(start)
      if (header !== undefined) {
        return header.upright
      }
    }
    const sharp = await loadSharp()
    const { autoOrient } = await sharp(path, { failOn: 'none' }).metadata()
    return { width: autoOrient.width, height: autoOrient.height }
  } catch {
    return undefined
  }
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const bytes = new Uint8Array(HEADER_BYTES)
    const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, 0)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
