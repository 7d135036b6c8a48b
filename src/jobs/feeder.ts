import { type ErrorCode, toBoxletError } from '../errors.ts'
import type { BlobGetOptions, BlobRef } from './blob-store.ts'
import type { JobStore, NewPicture, UnreadManifest } from './job-store.ts'
import { readManifest } from './manifest.ts'
import { messageOf } from './message.ts'
import type { Queue } from './queue.ts'

/** Messages sent at once: few enough that another process gets its turn with the store. */
const SEND_AT_ONCE = 500
/** Manifests looked at for one that can be read on. */
const MOST_TRIED = 8
/** Of a manifest that is not there another try does not make one. */
const LASTING: readonly ErrorCode[] = ['IMAGE_NOT_FOUND', 'FORBIDDEN']

export interface FeederOptions {
  store: JobStore
  pictures: Queue
  /** Reads the objects that manifests lie in. */
  get(ref: BlobRef, options: BlobGetOptions): Promise<Uint8Array>
}

/**
 * Brings what was accepted into the queue: reads manifests on, and sends a message for each picture that has none. A
 * message that is sent twice does no harm, so it is sent first and noted after.
 *
 * @returns false where there was nothing to do
 */
export async function feed({ store, pictures, get }: FeederOptions): Promise<boolean> {
  let busy = false
  let fault: unknown
  // One that cannot be read now does not hold up those behind it.
  for (const manifest of await store.unread(MOST_TRIED)) {
    try {
      busy = await readOn(store, manifest, get)
    } catch (error) {
      fault ??= error
    }
    if (busy) {
      break
    }
  }
  busy = (await sendUnsent(store, pictures)) || busy
  if (fault !== undefined && !busy) {
    throw fault
  }
  return busy
}

/** @returns false where every picture has its message */
export async function sendUnsent(store: JobStore, pictures: Queue): Promise<boolean> {
  const unsent = await store.unsent(SEND_AT_ONCE)
  if (unsent.length === 0) {
    return false
  }
  await pictures.send(unsent.map(({ ref, group }) => ({ body: messageOf(ref), group })))
  await store.sent(unsent)
  return true
}

/** What a list without pictures leaves, so that its job fails instead of succeeding with nothing. */
const EMPTY: NewPicture = {
  name: 'manifest',
  source: {
    kind: 'none',
    error: { code: 'MANIFEST_INVALID', message: 'Expected lines that name pictures but the list has none.' },
  },
}

const hasNone = async (store: JobStore, { tenant, job }: UnreadManifest): Promise<boolean> =>
  (await store.get(tenant, job))?.counts.total === 0

/** Reads a manifest on by a part. @returns false where somebody else has read on */
export async function readOn(
  store: JobStore,
  manifest: UnreadManifest,
  get: FeederOptions['get'],
): Promise<boolean> {
  try {
    const { pictures, next } = await readManifest(manifest.position, get)
    const isEmpty = next === undefined && pictures.length === 0 && (await hasNone(store, manifest))
    return await store.expand(manifest, isEmpty ? [EMPTY] : pictures, next)
  } catch (error) {
    const known = toBoxletError(error)
    if (!LASTING.includes(known.code)) {
      throw known
    }
    const { code, message } = known
    const lost = { name: 'manifest', source: { kind: 'none' as const, error: { code, message } } }
    return store.expand(manifest, [lost], undefined)
  }
}
