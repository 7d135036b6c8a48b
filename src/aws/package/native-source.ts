/**
 * The native libraries of the target, which is seldom the machine that packages: from this installation where
 * it has the very same file, else from the cache, else out of the published package. Whatever the way, the
 * bytes are those whose hash Boxlet was released with.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { BoxletError } from '../../errors.ts'
import { cacheFolder } from '../../store/cache.ts'
import { readNpm } from '../../store/sources/npm.ts'
import { faultReason } from '../../store/sources/source.ts'
import type { Environment } from '../../system/environment.ts'
import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS, type NativePart } from './native-parts.ts'
import type { PackageFile } from './zip.ts'

export interface NativeOptions {
  env: Environment
  signal: AbortSignal
  onNotice?: ((line: string) => void) | undefined
}

export async function nativeFiles(arch: Architecture, options: NativeOptions): Promise<PackageFile[]> {
  const files: PackageFile[] = []
  for (const part of NATIVE_PARTS[arch]) {
    files.push({ name: part.target, bytes: await readPart(part, options) })
  }
  return files
}

async function readPart(part: NativePart, options: NativeOptions): Promise<Uint8Array> {
  const cached = join(cacheFolder(options.env), 'native', `${part.sha256.slice(0, 16)}-${fileName(part)}`)
  for (const path of [installedPath(part), cached]) {
    const bytes = path === undefined ? undefined : await readFile(path).catch(() => undefined)
    if (bytes !== undefined && isPart(part, bytes)) {
      return bytes
    }
  }
  const bytes = await fetchPart(part, options)
  await keep(cached, bytes)
  return bytes
}

const fileName = (part: NativePart): string => part.path.slice(part.path.lastIndexOf('/') + 1)

const isPart = (part: NativePart, bytes: Uint8Array): boolean =>
  bytes.length === part.bytes && createHash('sha256').update(bytes).digest('hex') === part.sha256

/** undefined where the package is not installed, as those of other platforms never are. */
function installedPath(part: NativePart): string | undefined {
  try {
    // Neither package exports its files, so the folder is found by way of the module search path.
    const paths = createRequire(import.meta.url).resolve.paths(part.package) ?? []
    const inside = part.path.slice('package/'.length)
    const require = createRequire(import.meta.url)
    for (const folder of paths) {
      try {
        require.resolve(join(folder, part.package, 'package.json'))
        return join(folder, part.package, inside)
      } catch {
        // Not in this folder.
      }
    }
  } catch {
    return undefined
  }
  return undefined
}

async function fetchPart(part: NativePart, options: NativeOptions): Promise<Uint8Array> {
  options.onNotice?.(`Fetching ${part.package}@${part.version} with npm's configuration.`)
  const source = { type: 'npm', ...part } as const
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of readNpm(source, { ...options, alive: () => {} })) {
      bytes += chunk.length
      if (bytes > part.bytes) {
        break
      }
      chunks.push(chunk)
    }
  } catch (cause) {
    if (options.signal.aborted) {
      throw new BoxletError('ABORTED', 'Expected the download to finish but it was cancelled.')
    }
    throw new BoxletError(
      'DOWNLOAD_FAILED',
      `Expected ${part.package}@${part.version} from the npm registry but received ${faultReason(cause)}.`,
      { cause, hint: 'Check the registry that "npm config get registry" prints.' },
    )
  }
  const whole = Buffer.concat(chunks)
  if (!isPart(part, whole)) {
    throw new BoxletError(
      'DOWNLOAD_MISMATCH',
      `Expected the released bytes of ${part.package}@${part.version} but received other ones.`,
    )
  }
  return whole
}

/** Best effort: a cache that cannot be written costs a download next time, nothing else. */
async function keep(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}
