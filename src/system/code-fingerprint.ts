import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * A hash of the code of Boxlet, so that results kept on disk are only used by the code that made them: another
 * release, or a checkout that was changed and built again, starts again.
 *
 * @param counts whether a file can change the result, by its path below `src`; tests never count
 */
export async function codeFingerprint(counts: (path: string) => boolean): Promise<string> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const files = (await readdir(root, { recursive: true }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(js|ts)$/.test(path) && !/\.(d|test)\.ts$/.test(path) && counts(path))
    .sort()
  const hash = createHash('sha256')
  for (const [i, bytes] of (await Promise.all(files.map((file) => readFile(join(root, file))))).entries()) {
    hash.update(`${files[i]}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}
