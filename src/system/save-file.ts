import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { makeFolder } from './make-folder.ts'

/**
 * Writes a file whole or not at all, and the folders above it, so that a stopped run leaves no half results.
 *
 * @throws BoxletError OUTPUT_UNWRITABLE
 */
export async function saveFile(path: string, content: string | Uint8Array): Promise<void> {
  // A name of its own beside the file: other runs may be writing the same one, and `x.part` may be somebody's.
  const part = join(dirname(path), `.boxlet-${process.pid}-${randomBytes(6).toString('hex')}.part`)
  try {
    await makeFolder(dirname(path))
    await writeFile(part, content, { flag: 'wx' })
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {})
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
