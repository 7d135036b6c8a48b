import { constants, openSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, Readable } from 'node:stream'
import { BoxletError } from '../../errors.ts'
import { readBounded } from '../../system/bytes.ts'
import { untilAborted } from '../../system/signals.ts'
import { tooManyBytes } from '../decode/accepted-format.ts'

/**
 * The bytes of a file or named pipe.
 *
 * @param maxBytes refuses a longer one before it is read
 * @throws BoxletError IMAGE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE; the reason of the signal
 */
export async function readPictureFile(
  path: string,
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  try {
    const info = await stat(path)
    if (info.isDirectory()) {
      throw new BoxletError('IMAGE_NOT_FOUND', `Expected a picture but "${path}" is a folder.`)
    }
    if (info.isFIFO()) {
      return await readPictureStream(openPipe(path), { maxBytes, signal })
    }
    if (!info.isFile()) {
      throw new BoxletError('IMAGE_UNREADABLE', `Expected a file for a picture but "${path}" is a device.`)
    }
    if (info.size > maxBytes) {
      throw tooManyBytes(maxBytes, info.size)
    }
    return await readFile(path, signal && { signal })
  } catch (cause) {
    throw signal?.aborted ? cause : fileError(path, cause)
  }
}

/**
 * The bytes of a stream.
 *
 * @throws BoxletError IMAGE_TOO_LARGE; the reason of the signal, and what the stream fails with
 */
export async function readPictureStream(
  stream: AsyncIterable<Uint8Array>,
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  if (signal === undefined) {
    return readBounded(stream, maxBytes, () => tooManyBytes(maxBytes))
  }
  if (stream instanceof Readable || stream instanceof ReadableStream) {
    // Frees what waits for the next piece; other iterables cannot be stopped while they do.
    addAbortSignal(signal, stream as Readable)
  }
  return untilAborted(
    readBounded(stream, maxBytes, () => tooManyBytes(maxBytes)),
    signal,
  )
}

function fileError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code
  if (cause instanceof BoxletError) {
    return cause
  }
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new BoxletError('IMAGE_NOT_FOUND', `Expected a picture but "${path}" does not exist.`, { cause })
    : new BoxletError(
        'IMAGE_UNREADABLE',
        `Expected a readable picture but "${path}" cannot be read (${code ?? 'unknown reason'}).`,
        { cause },
      )
}

/** A pipe is polled, for a thread that waits in it for a writer cannot be stopped. */
const openPipe = (path: string): Readable =>
  new Socket({
    fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  })
