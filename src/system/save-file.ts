import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { makeFolder } from './make-folder.ts'

/** Small parts are put together to blocks of this size. */
const BLOCK_BYTES = 2 ** 20

/**
 * Writes a file whole or not at all, and the folders above it, so that a stopped run leaves no half results.
 *
 * @param content text, bytes, or bytes part by part, each of which is written before the next one is asked for
 * @throws BoxletError OUTPUT_UNWRITABLE, and what making the parts throws
 */
export async function saveFile(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  // A name of its own beside the file: other runs may be writing the same one, and `x.part` may be somebody's.
  const part = join(dirname(path), `.boxlet-${process.pid}-${randomBytes(6).toString('hex')}.part`)
  try {
    await makeFolder(dirname(path))
    const isWhole = typeof content === 'string' || content instanceof Uint8Array
    await writeFile(part, isWhole ? content : inBlocks(content), { flag: 'wx' })
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {})
    if (cause instanceof BoxletError) {
      throw cause
    }
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown reason'
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected to write "${path}" but it cannot be written (${code}).`,
      {
        cause,
        hint: 'Name a folder that may be written, on a disk that has room.',
      },
    )
  }
}

function* inBlocks(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  const block = new Uint8Array(BLOCK_BYTES)
  let used = 0
  for (const part of parts) {
    if (used > 0 && used + part.length > BLOCK_BYTES) {
      yield block.subarray(0, used)
      used = 0
    }
    if (part.length > BLOCK_BYTES) {
      yield part
    } else {
      block.set(part, used)
      used += part.length
    }
  }
  yield block.subarray(0, used)
}
