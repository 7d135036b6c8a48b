import { chmod, cp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { makeFolder } from '../system/make-folder.ts'
import type { LocalHome } from './home.ts'
import { storeFault } from './store-fault.ts'
import { PRIVATE, STORE_FILE, StoreFile } from './store-file.ts'

/** Parts of a store's folder that a backup holds. */
const BLOBS = 'blobs'

/**
 * Copies a store while others work with it. The database is copied first, as it is at one moment: blobs that come
 * later are too many, never too few.
 *
 * @param target a folder that is empty or not there; itself a store that can be opened
 * @throws BoxletError OUTPUT_UNWRITABLE
 */
export async function backUp(home: LocalHome, target: string): Promise<void> {
  await expectEmpty(target)
  try {
    await makeFolder(target, PRIVATE)
    home.file.copyTo(join(target, STORE_FILE))
    // As the store itself: results and secrets of webhooks are in it.
    await chmod(join(target, STORE_FILE), 0o600)
    await copyBlobs(home.folder, target)
  } catch (error) {
    throw storeFault(error, target)
  }
}

/**
 * Makes a store out of a backup.
 *
 * @throws BoxletError OUTPUT_UNWRITABLE where there is a store already; STORE_CORRUPT, STORE_VERSION for the backup
 */
export async function restore(backup: string, folder: string): Promise<void> {
  const found = await stat(join(backup, STORE_FILE)).catch(() => undefined)
  if (found === undefined) {
    throw new BoxletError('STORE_CORRUPT', `Expected a backup in "${backup}" but there is no ${STORE_FILE}.`)
  }
  await expectEmpty(folder)
  try {
    await makeFolder(folder, PRIVATE)
    await cp(join(backup, STORE_FILE), join(folder, STORE_FILE))
    // Opening tells of damage, and takes an older backup on to the version of this program.
    const restored = await StoreFile.open(folder)
    restored.close()
    await copyBlobs(backup, folder)
  } catch (error) {
    await rm(join(folder, STORE_FILE), { force: true })
    throw storeFault(error, folder)
  }
}

async function copyBlobs(from: string, to: string): Promise<void> {
  const blobs = join(from, BLOBS)
  if ((await stat(blobs).catch(() => undefined)) !== undefined) {
    await cp(blobs, join(to, BLOBS), { recursive: true, preserveTimestamps: true })
  }
}

async function expectEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.length > 0) {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected an empty folder but "${folder}" holds ${names.length === 1 ? '1 file' : `${names.length} files`}.`,
      { hint: 'Name a folder that is not there yet.' },
    )
  }
}
