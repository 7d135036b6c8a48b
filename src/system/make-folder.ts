import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never returns where the parent exists and still
 * takes no folder, as under `/proc`.
 *
 * @param mode rights of the folder where it is new; those above it get the usual ones
 * @throws the system's error, ENOENT for such a place
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') {
      return
    }
    if (code !== 'ENOENT' || dirname(path) === path) {
      throw error
    }
    await makeFolder(dirname(path))
    await mkdir(path, { mode }).catch((again: NodeJS.ErrnoException) => {
      if (again.code !== 'EEXIST') {
        throw again
      }
    })
  }
}
