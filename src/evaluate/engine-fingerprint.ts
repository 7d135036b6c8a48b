import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Rooms that run before or after a picture is looked at. All other code counts, so that a room nobody thought of
 * here costs a second evaluation at worst, and never brings back what older code found.
 */
const CANNOT_CHANGE_A_NUMBER = ['api', 'aws', 'cli', 'evaluate/report', 'server', 'web']

/**
 * Names the code between a picture and its boxes, so that kept results are only used by the code that made
 * them: another release, or a checkout that was changed and built again, starts anew.
 */
export async function engineFingerprint(): Promise<string> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const files = (await readdir(root, { recursive: true }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(js|ts)$/.test(path) && !/\.(d|test)\.ts$/.test(path))
    .filter((path) => !CANNOT_CHANGE_A_NUMBER.some((room) => path.startsWith(`${room}/`)))
    .sort()
  const hash = createHash('sha256')
  for (const [i, bytes] of (await Promise.all(files.map((file) => readFile(join(root, file))))).entries()) {
    hash.update(`${files[i]}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}
