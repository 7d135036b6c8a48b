/** Brings the bytes of a catalogue entry to a file: sources in order, hash and size proven, all or nothing. */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BoxletError } from '../errors.ts'
import type { Environment } from '../system/environment.ts'
import { unwritable, writeRecord } from './cache.ts'
import type { CatalogueEntry, ModelSource } from './catalogue-entry.ts'
import { MAX_MODEL_BYTES } from './file-limit.ts'
import {
  faultReason,
  isPassing,
  type SourceContext,
  SourceFault,
  stallMilliseconds,
} from './sources/source.ts'

/** Bytes of one download; `total` is known from the catalogue before the first one arrives. */
export interface DownloadProgress {
  name: string
  done: number
  total: number
}

export interface DownloadOptions {
  env: Environment
  signal?: AbortSignal | undefined
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Of an address alone, for sources at https addresses. */
  headersFor?: ((address: string) => Record<string, string>) | undefined
}

/** What is to be fetched; size and hash are proven where they are known. */
export type Wanted = Pick<CatalogueEntry, 'name' | 'sources'> &
  Partial<Pick<CatalogueEntry, 'bytes' | 'sha256'>>

/**
 * Fetches `entry` to `path`. Leaves either the whole, proven file or nothing.
 *
 * @returns the hash that the file has
 */
export async function download(
  entry: Wanted,
  path: string,
  options: DownloadOptions,
): Promise<{ sha256: string }> {
  await removeAbandoned(path)
  const attempts: { source: string; reason: string; mismatch: boolean }[] = []
  const sources = [...entry.sources]
  for (let at = 0; at < sources.length; at++) {
    const source = sources[at]!
    const part = `${path}.${randomUUID()}.part`
    try {
      const sha256 = await fetchTo(part, entry, source, options)
      await putInPlace(part, path)
      await writeRecord(path, sha256).catch(() => undefined)
      return { sha256 }
    } catch (error) {
      if (error instanceof BoxletError) {
        throw error
      }
      if (options.signal?.aborted) {
        throw cancelled(entry, error)
      }
      if (isPassing(error) && source !== sources[at - 1]) {
        sources.splice(at + 1, 0, source)
        continue
      }
      attempts.push({
        source: sourceName(source),
        reason: faultReason(error),
        mismatch: error instanceof MismatchFault,
      })
    } finally {
      await rm(part, { force: true }).catch(() => undefined)
    }
  }
  const mismatch = attempts.every((attempt) => attempt.mismatch)
  throw new BoxletError(
    mismatch ? 'DOWNLOAD_MISMATCH' : 'DOWNLOAD_FAILED',
    `Expected the model "${entry.name}"${entry.bytes === undefined ? '' : ` (${entry.bytes} bytes)`} but received ${attempts
      .map(({ source, reason }) => `${reason} from ${source}`)
      .join('; ')}.`,
    {
      hint: mismatch
        ? 'Nothing was kept; what the source serves is not the file that its hash names.'
        : 'Check the network and proxy settings, or pass the path of a model file that you have.',
      details: { model: entry.name, attempts: attempts.map(({ source, reason }) => ({ source, reason })) },
    },
  )
}

const cancelled = (entry: Wanted, cause: unknown): BoxletError =>
  new BoxletError('ABORTED', `Expected the download of "${entry.name}" to finish but it was cancelled.`, {
    cause,
    hint: 'Nothing was kept; the next use starts it again.',
  })

/** For messages: the host or the package, never a whole address. */
const sourceName = (source: ModelSource): string =>
  source.type === 'https' ? new URL(source.url).host : `npm package ${source.package}@${source.version}`

/** Only what a run needs is loaded: the sources bring their network libraries with them. */
async function readSource(source: ModelSource, context: SourceContext): Promise<AsyncIterable<Uint8Array>> {
  if (source.type === 'https') {
    return (await import('./sources/https.ts')).readHttps(source, context)
  }
  return (await import('./sources/npm.ts')).readNpm(source, context)
}

class MismatchFault extends SourceFault {}

async function fetchTo(
  part: string,
  entry: Wanted,
  source: ModelSource,
  options: DownloadOptions,
): Promise<string> {
  if (options.signal?.aborted) {
    throw cancelled(entry, options.signal.reason)
  }
  const connection = new AbortController()
  const watch = watchForSilence(stallMilliseconds(options.env), connection, options.signal)
  const file = await open(part, 'wx').catch((error) => {
    throw unwritable('be written', error)
  })
  try {
    const hash = createHash('sha256')
    let done = 0
    const { env, headersFor } = options
    const context = { env, headersFor, signal: connection.signal, alive: watch.alive }
    const chunks = await readSource(source, context)
    const tell = () =>
      options.onProgress?.({ name: entry.name, done, total: Math.max(1, entry.bytes ?? done) })
    tell()
    for await (const chunk of untilStopped(chunks, watch.stopped)) {
      done += chunk.length
      if (done > (entry.bytes ?? MAX_MODEL_BYTES)) {
        throw new MismatchFault('more bytes than expected')
      }
      hash.update(chunk)
      await writeWhole(file, chunk)
      tell()
    }
    // Behind the wanted file a package goes on; syncing the disk is long enough for many bytes more.
    connection.abort()
    if (done < (entry.bytes ?? 0)) {
      throw new SourceFault(`only ${done} bytes`)
    }
    const sha256 = hash.digest('hex')
    if (sha256 !== (entry.sha256 ?? sha256)) {
      throw new MismatchFault('bytes with another SHA-256')
    }
    await file.sync().catch((error) => {
      throw unwritable('be written', error)
    })
    return sha256
  } finally {
    watch.end()
    connection.abort()
    await file.close().catch(() => undefined)
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) {
      at += (await file.write(chunk, at)).bytesWritten
    }
  } catch (error) {
    throw unwritable('be written', error)
  }
}

interface SilenceWatch {
  alive(): void
  /** Rejects when nothing arrived for too long, or when the caller cancels. */
  stopped: Promise<never>
  end(): void
}

function watchForSilence(
  milliseconds: number,
  connection: AbortController,
  signal: AbortSignal | undefined,
): SilenceWatch {
  let stop = (_: Error): void => undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = (error) => {
      reject(error)
      connection.abort()
    }
  })
  stopped.catch(() => undefined)
  const timer = setTimeout(
    () => stop(new SourceFault(`nothing for ${milliseconds / 1000} seconds`)),
    milliseconds,
  )
  const cancel = () => stop(new SourceFault('no more because it was cancelled'))
  signal?.addEventListener('abort', cancel, { once: true })
  return {
    alive: () => timer.refresh(),
    stopped,
    end() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    },
  }
}

/** The chunks as long as `stopped` is pending; a source that hangs does not hold up the caller. */
async function* untilStopped(
  chunks: AsyncIterable<Uint8Array>,
  stopped: Promise<never>,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = iterator.next()
      // When `stopped` wins, the loser still rejects as its connection closes.
      next.catch(() => undefined)
      const { done, value } = await Promise.race([next, stopped])
      if (done) {
        return
      }
      yield value
    }
  } finally {
    void iterator.return?.().catch(() => undefined)
  }
}

async function putInPlace(part: string, path: string): Promise<void> {
  try {
    await rename(part, path)
  } catch (error) {
    // Windows refuses to replace a file that another process has open; its bytes are the same by name.
    if ((error as NodeJS.ErrnoException).code === 'EPERM' && (await stat(path).catch(() => undefined))) {
      return
    }
    throw unwritable('be written', error)
  }
}

/** A live download writes at least as often as the stall limit; older parts belong to killed processes. */
const ABANDONED_PART_MS = 10 * 60_000

async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path)
  const prefix = `${basename(path)}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith('.part')) {
      continue
    }
    const file = join(folder, name)
    const age = Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > ABANDONED_PART_MS) {
      await rm(file, { force: true }).catch(() => undefined)
    }
  }
}
