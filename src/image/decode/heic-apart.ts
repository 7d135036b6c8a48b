import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { untilAborted } from '../../system/signals.ts'
import type { RgbImage } from '../rgb-image.ts'
import { checkHeicSize } from './declared-work.ts'
import { overTime } from './decode-error.ts'
import { decodeHeic, HEIC_MODULE } from './heic.ts'
import type { HeicTask, HeicTaskDone } from './heic-worker.ts'
import { DECODE_SECONDS } from './to-rgb.ts'

/** The built file, also where this runs from its TypeScript source, as in tests. */
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/image/decode/heic-worker.js', import.meta.url)
  : new URL('./heic-worker.js', import.meta.url)

/**
 * A HEIC in a thread of its own, since its decoder holds the thread that it runs on and knows no limit of time. It is
 * WebAssembly alone, so that the thread can be ended at any moment: at the limit, and when nobody waits any more.
 *
 * @returns undefined where the decoder is not installed
 * @throws BoxletError IMAGE_TRUNCATED, IMAGE_CORRUPT, IMAGE_TOO_LARGE
 */
export async function decodeHeicApart(
  bytes: Uint8Array,
  maxPixels: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<RgbImage | undefined> {
  // A package for Lambda has no second file, and a function one picture at a time.
  if (!isInstalled() || !existsSync(WORKER_FILE)) {
    return decodeHeic(bytes, (size) => checkHeicSize(size, maxPixels))
  }
  signal.throwIfAborted()
  const worker = new Worker(WORKER_FILE, { name: 'boxlet-heic' })
  let late: NodeJS.Timeout | undefined
  const done = new Promise<HeicTaskDone>((resolve, reject) => {
    late = setTimeout(() => reject(overTime('heic')), DECODE_SECONDS * 1000)
    worker.once('message', resolve)
    worker.once('error', (cause) => reject(ended(cause)))
    worker.once('exit', () => reject(ended(undefined)))
  })
  try {
    worker.postMessage({ bytes, maxPixels } satisfies HeicTask)
    const answer = await untilAborted(done, signal)
    if (answer.kind === 'fault') {
      const { code, message, hint, details } = answer.error
      throw new BoxletError(code, message, defined({ hint, details }))
    }
    return answer.pixels
  } finally {
    clearTimeout(late)
    await worker.terminate()
  }
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(HEIC_MODULE)
    return true
  } catch {
    return false
  }
}

const ended = (cause: unknown): BoxletError =>
  new BoxletError('IMAGE_CORRUPT', 'Expected a sound HEIC but its decoder ended without a picture.', {
    hint: 'Export or copy the picture again.',
    cause,
  })
