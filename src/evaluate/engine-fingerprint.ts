import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Rooms whose code decides what a model finds in a picture. */
const ROOMS = ['boxes', 'families', 'image', 'model', 'runtime']

/**
 * Names the code between a picture and its boxes, so that kept results are only used by the code that made
 * them: another release, or a checkout that was changed and built again, starts anew.
 */
export async function engineFingerprint(): Promise<string> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const isCode = (name: string) => /\.(js|ts)$/.test(name) && !/\.(d|test|fixture)\.ts$/.test(name)
  const lists = await Promise.all(
    ROOMS.map(async (room) => {
      const names = await readdir(join(root, room), { recursive: true })
      return names.filter(isCode).map((name) => join(room, name))
    }),
  )
  const top = (await readdir(root)).filter((name) => /^detector[\w-]*\.(js|ts)$/.test(name) && isCode(name))
  const files = [...lists.flat(), ...top].sort()
  const hash = createHash('sha256')
  for (const [i, bytes] of (await Promise.all(files.map((file) => readFile(join(root, file))))).entries())
    hash.update(`${files[i]}\0${bytes.length}\0`).update(bytes)
  return hash.digest('hex').slice(0, 16)
}
