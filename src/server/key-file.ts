import { chmod, mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { formatKeys, parseKeys, type StoredKey } from '../api/auth/key-document.ts'
import { BoxletError } from '../errors.ts'
import { type LockFaults, withLock } from '../system/lock.ts'

/** Where keys are kept unless an option says otherwise. */
export function defaultKeyFile(env: Record<string, string | undefined>): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'boxlet', 'keys.json')
}

/** @throws BoxletError CONFIG_INVALID when the file exists and is not a key file; a missing file has no keys */
export async function readKeys(path: string): Promise<StoredKey[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      return []
    }
    throw new BoxletError('CONFIG_INVALID', 'Expected a readable key file but it cannot be read.', { cause })
  }
  return parseKeys(text, 'the key file')
}

/** True when others on this machine may read the file. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') {
    return false
  }
  const stats = await stat(path).catch(() => undefined)
  return stats !== undefined && (stats.mode & 0o077) !== 0
}

/** A change takes milliseconds; a lock that a process left behind is abandoned after six seconds. */
const LOCK_POLL_MS = 20
const LOCK_PATIENCE_MS = 10_000
const LOCK: LockFaults = {
  unusable: (_doing, cause) => cause as Error,
  cancelled: () =>
    new BoxletError(
      'OUTPUT_UNWRITABLE',
      'Expected to change the key file but another process keeps it locked.',
    ),
}

/**
 * Changes the keys of the file: reads, changes and replaces it while no other process does so. The file is
 * readable by its owner alone from its first byte on.
 */
export async function changeKeys(path: string, change: (keys: StoredKey[]) => StoredKey[]): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const options = { ...LOCK, pollMs: LOCK_POLL_MS, signal: AbortSignal.timeout(LOCK_PATIENCE_MS) }
    await withLock(`${path}.lock`, options, async () => replace(path, change(await readKeys(path))))
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError('OUTPUT_UNWRITABLE', 'Expected to write the key file but the disk refused it.', {
      cause,
      hint: 'Choose another place with --keys.',
    })
  }
}

async function replace(path: string, keys: StoredKey[]): Promise<void> {
  const temporary = `${path}.${process.pid}.part`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${formatKeys(keys, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await chmod(temporary, 0o600)
  await rename(temporary, path)
}
