import { createHash } from 'node:crypto'
import { toBoxletError } from '../../errors.ts'
import type { JobView } from '../../jobs/view.ts'
import type { PictureSource } from '../detect/sources.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'
import type { JobsClient } from './client.ts'

/** Pictures and bytes of one request: below the limits that a service has by default. */
const MOST_PICTURES = 16
const MOST_BYTES = 16 * 2 ** 20
/** Requests under way: while one is being kept, the next is on its way. */
const TOGETHER = 3

/**
 * Sends pictures to a service, some in each request. Each request has a key made from what is in it, so that the same
 * call after a break sends again what may be lost and makes nothing twice.
 */
export async function upload(
  client: JobsClient,
  sources: readonly PictureSource[],
  { query, key }: { query: URLSearchParams; key: string | undefined },
  io: Io,
): Promise<JobView[]> {
  const jobs: JobView[] = []
  const progress = progressLine(io, sources.length, 'pictures')
  let sent = 0
  const sending = new Set<Promise<void>>()
  let part: { name: string; bytes: Uint8Array }[] = []
  let bytes = 0
  let fault: unknown
  const send = async (): Promise<void> => {
    const pictures = part
    part = []
    bytes = 0
    while (sending.size >= TOGETHER) {
      await Promise.race(sending)
    }
    const work = sendPart(client, pictures, query, key)
      .then((job) => {
        jobs.push(job)
        sent += pictures.length
        progress.update(sent)
      })
      .catch((error: unknown) => {
        fault ??= error
      })
      .finally(() => sending.delete(work))
    sending.add(work)
  }
  for (const source of sources) {
    if (io.signal.aborted || fault !== undefined) {
      break
    }
    let read: Uint8Array
    try {
      read = await source.read(io.signal)
    } catch (error) {
      const { message, code } = toBoxletError(error)
      progress.clear()
      io.stderr.write(`boxlet: ${source.name}: ${message} [${code}]\n`)
      continue
    }
    if (part.length === MOST_PICTURES || bytes + read.length > MOST_BYTES) {
      await send()
    }
    part.push({ name: source.name, bytes: read })
    bytes += read.length
  }
  if (part.length > 0 && !io.signal.aborted && fault === undefined) {
    await send()
  }
  await Promise.all(sending)
  progress.clear()
  if (fault !== undefined) {
    throw fault
  }
  if (sent < sources.length) {
    io.stderr.write(
      `boxlet: sent ${sent} of ${sources.length} pictures; the same call again sends the rest.\n`,
    )
  }
  return jobs
}

async function sendPart(
  client: JobsClient,
  pictures: readonly { name: string; bytes: Uint8Array }[],
  query: URLSearchParams,
  key: string | undefined,
): Promise<JobView> {
  const form = new FormData()
  const hash = createHash('sha256').update(`${key ?? ''}?${query}`)
  for (const { name, bytes } of pictures) {
    form.append('images', new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
    hash.update(name).update(bytes)
  }
  return client.submit(query, { body: form, headers: { 'idempotency-key': `cli-${hash.digest('hex')}` } })
}
