/** Which files of a watched folder are pictures, and whether they are written whole. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const IS_PICTURE = /\.(?:jpe?g|jpe|jfif|png|webp|avif|gif|tiff?|hei[cf]|svg)$/i
/** Hidden files are those that uploads and editors have under way; `~` and `~$` mark the same elsewhere. */
const IS_HIDDEN = /^[.~]/
/** Where the end of a picture is looked for: cameras write thumbnails and notes behind it. */
const TAIL_BYTES = 64 * 1024

/**
 * Pictures by their names, folder by folder.
 *
 * @throws what the system says of the folder itself
 */
export async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries) {
    if (IS_HIDDEN.test(entry.name)) {
      continue
    }
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      try {
        yield* filesBelow(path)
      } catch (error) {
        // One below may go while it is looked through, or be closed to this process: the others are looked through.
        if ((error as NodeJS.ErrnoException).syscall !== 'scandir') {
          throw error
        }
      }
    } else if (entry.isFile() && IS_PICTURE.test(entry.name)) {
      yield path
    }
  }
}

/** Whether the file has the end of its format, for the formats whose end is easily found. */
export async function looksWhole(path: string, size: number): Promise<boolean> {
  if (size === 0) {
    return false
  }
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) {
    return false
  }
  try {
    const head = await read(0, 4)
    const tail = await read(Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES))
    if (head[0] === 0xff && head[1] === 0xd8) {
      return tail.includes(Buffer.from([0xff, 0xd9]))
    }
    if (head.subarray(1).toString('latin1') === 'PNG') {
      return tail.includes('IEND')
    }
    return true
  } finally {
    await file.close()
  }

  async function read(start: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await file!.read(Buffer.alloc(length), 0, length, start)
    return buffer.subarray(0, bytesRead)
  }
}
