/**
 * Where fetched models lie and how they are trusted again. Beside each model lies a small record with the
 * size and time that the file had when its hash was last computed; as long as both still hold, the hash does
 * too, and a model of 250 MB opens without being read twice.
 */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { defined } from '../system/defined.ts'
import type { Environment } from '../system/environment.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'

/** `BOXLET_CACHE`, or the place that the platform keeps for such files. */
export function cacheFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  if (env.BOXLET_CACHE) {
    return env.BOXLET_CACHE
  }
  // The XDG specification says that a relative path here is to be ignored.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) {
    return join(env.XDG_CACHE_HOME, 'boxlet')
  }
  const home = env.HOME || homedir()
  if (platform === 'darwin') {
    return join(home, 'Library', 'Caches', 'boxlet')
  }
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'boxlet', 'Cache')
  }
  return join(home, '.cache', 'boxlet')
}

export const modelFolder = (env: Environment): string => join(cacheFolder(env), 'models')

/** The hash is part of the name: another version of a model never meets the file of the former one. */
export const cachedPath = (entry: CatalogueEntry, env: Environment): string =>
  join(modelFolder(env), `${entry.name}-${entry.sha256.slice(0, 12)}.${entry.format}`)

/** Whether a file name in the cache is that of a model of this name, of whichever hash. */
export const isCacheFileOf = ({ name }: CatalogueEntry, file: string): boolean =>
  file.startsWith(`${name}-`) && /^[0-9a-f]{12}\.(onnx|tflite)$/.test(file.slice(name.length + 1))

const recordPath = (path: string): string => `${path}.verified.json`

interface VerifiedRecord {
  sha256: string
  bytes: number
  mtimeMs: number
}

export type CachedState = 'absent' | 'verified' | 'corrupt'

/** Cheap when the record fits; otherwise hashes the file and renews the record. */
export async function checkCached(entry: CatalogueEntry, path: string): Promise<CachedState> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined
    }
    throw unwritable('be read', error)
  })
  if (info === undefined) {
    return 'absent'
  }
  if (!info.isFile() || info.size !== entry.bytes) {
    return 'corrupt'
  }
  if (await isUntouched(path, entry.sha256)) {
    return 'verified'
  }
  if ((await hashFile(path)) !== entry.sha256) {
    return 'corrupt'
  }
  // A cache that cannot be written, such as one in a read-only image, still serves what it holds.
  await writeRecord(path, entry.sha256).catch(() => undefined)
  return 'verified'
}

/** Whether a file that was made here of the one with that hash is still as it was left. */
export async function isUntouched(path: string, sha256: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  const record = info?.isFile() ? await readRecord(path) : undefined
  return (
    info !== undefined &&
    record?.sha256 === sha256 &&
    record.bytes === info.size &&
    Math.abs((record.mtimeMs ?? 0) - info.mtimeMs) < 1
  )
}

async function readRecord(path: string): Promise<Partial<VerifiedRecord> | undefined> {
  try {
    return JSON.parse(await readFile(recordPath(path), 'utf8')) as Partial<VerifiedRecord>
  } catch {
    return undefined
  }
}

export async function writeRecord(path: string, sha256: string): Promise<void> {
  const info = await stat(path)
  const record: VerifiedRecord = { sha256, bytes: info.size, mtimeMs: info.mtimeMs }
  await writeFile(recordPath(path), `${JSON.stringify(record)}\n`)
}

/** Removes a cached model and its record; true when there was one. */
export async function removeCached(path: string): Promise<boolean> {
  await rm(recordPath(path), { force: true })
  try {
    await rm(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return false
    }
    throw unwritable('be cleared', error)
  }
}

/** Lower-case hex SHA-256, streamed. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...defined({ signal }),
  })
  for await (const chunk of stream) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

const DISK_REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than the system allows',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a part of the path is not a folder',
  EMFILE: 'too many files are open',
  EIO: 'the disk has a fault',
}

/** Faults that more room fixes. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])

/** One line for any fault of the disk under the cache. */
export function unwritable(doing: string, cause: unknown): BoxletError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  const reason = DISK_REASONS[code] ?? `the system answered ${code}`
  return new BoxletError('CACHE_UNWRITABLE', `Expected the model cache to ${doing} but ${reason}.`, {
    cause,
    hint: `${FULL.has(code) ? 'Free some space there, or set' : 'Set'} BOXLET_CACHE to a folder that can be written.`,
  })
}
