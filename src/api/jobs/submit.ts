import { BoxletError } from '../../errors.ts'
import type { ManifestSource, NewPicture } from '../../jobs/job-store.ts'
import type { Submission } from '../../jobs/service.ts'
import { defined } from '../../system/defined.ts'
import type { Ctx } from '../call.ts'
import { parseOptions } from '../native/detect-options.ts'
import { parseDetectRequest } from '../native/detect-request.ts'
import { blobRefOf, type PictureSource } from '../native/picture-sources.ts'
import { checkServed, type Service } from '../service.ts'
import { readValue, readValues } from '../values.ts'
import { idempotencyKey, SUBMISSION } from './job-values.ts'
import type { JobOffer } from './offer.ts'

/** Options of a job beside those of detection. */
const OWN = Object.keys(SUBMISSION)

/** Bodies that are a list of pictures themselves. */
const LISTS: Record<string, ManifestSource['format']> = {
  'application/jsonl': 'jsonl',
  'application/x-ndjson': 'jsonl',
  'application/x-jsonlines': 'jsonl',
  'text/csv': 'csv',
}

/** Of a body that is a list of pictures; undefined for every other. */
export const listFormat = (c: Ctx): ManifestSource['format'] | undefined =>
  LISTS[(c.req.header('content-type') ?? '').toLowerCase().split(';')[0]!.trim()]

/**
 * Reads a request that submits a job: everything that `POST /v1/detect` takes, a list of pictures as the body, or the
 * address of one.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export async function parseSubmission(c: Ctx, service: Service, offer: JobOffer): Promise<Submission> {
  const header = c.req.header('idempotency-key')
  const key = header === undefined ? undefined : readValue(idempotencyKey, header, 'Idempotency-Key')
  const format = listFormat(c)
  if (format !== undefined) {
    const given = [...new URL(c.req.url).searchParams]
    const own = ownOf(Object.fromEntries(given.filter(([name]) => isOwn(name))))
    const { model, detect } = parseOptions(given.filter(([name]) => !isOwn(name)))
    const submission = submissionOf({ model, detect }, own, service, offer)
    const manifest = { ...(await offer.keep(nonEmpty(c.get('body')))), format }
    return { ...submission, pictures: [], manifest, ...defined({ key }) }
  }
  const request = await parseDetectRequest(c, service, OWN)
  const own = ownOf(request.own)
  // Nothing is kept of what is refused.
  const submission = submissionOf(request, own, service, offer)
  const manifest = await manifestOf(own, service, offer, c.get('call').signal)
  if (manifest !== undefined && request.pictures.length > 0) {
    throw new BoxletError('REQUEST_INVALID', 'Expected pictures or a list of them but received both.')
  }
  return {
    ...submission,
    pictures: await Promise.all(request.pictures.map((picture) => newPicture(picture, offer))),
    ...defined({ manifest, key }),
  }
}

const isOwn = (name: string): boolean => OWN.includes(name)

type Own = ReturnType<typeof ownOf>
const ownOf = (given: Readonly<Record<string, unknown>>) =>
  readValues(SUBMISSION, (name) => (name === 'webhook' ? fromForm(given[name]) : given[name]))

/** A form has texts only, so that an address with its secret comes as JSON. */
function fromForm(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) {
    return value
  }
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}

function submissionOf(
  { model, detect }: { model: string | undefined; detect: NonNullable<Submission['options']['detect']> },
  { batch, ttl: ttlMs, annotate, webhook }: Own,
  service: Service,
  offer: JobOffer,
): Omit<Submission, 'pictures'> {
  if (model !== undefined && !offer.anyModel) {
    checkServed(service, model)
  }
  if (webhook !== undefined) {
    offer.checkWebhook(webhook.url)
  }
  return {
    options: defined({
      model,
      detect: Object.keys(detect).length === 0 ? undefined : detect,
      annotate,
      webhook,
    }),
    ...defined({ batch, ttlMs }),
  }
}

/** What is wrong with a picture shows when its turn comes; what is wrong with the request, at once. */
async function newPicture({ source, remote, bytes }: PictureSource, offer: JobOffer): Promise<NewPicture> {
  return {
    name: source,
    source: remote ?? { kind: 'blob', ref: await offer.keep(await bytes()), owned: true },
  }
}

async function manifestOf(
  { manifest, prefix }: Own,
  service: Service,
  offer: JobOffer,
  signal: AbortSignal,
): Promise<ManifestSource | undefined> {
  if (prefix !== undefined) {
    const { listPrefix } = await import('./prefix.ts')
    return { ...(await offer.keep(await listPrefix(prefix, service, signal))), format: 'jsonl', made: true }
  }
  if (manifest === undefined) {
    return undefined
  }
  const { format: given = undefined, ...address } =
    typeof manifest === 'string' ? { address: manifest } : manifest
  const ref = blobRefOf('address' in address ? address.address : address)
  const format = given ?? (/\.csv$/i.test(ref.key) ? 'csv' : 'jsonl')
  if (service.options.blobStore === undefined) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected the list itself, since no object store is configured.',
      {
        hint: 'Send it as the body, with the type application/jsonl or text/csv.',
      },
    )
  }
  // Kept as it is now: a job must not change with an object that somebody replaces.
  if (offer.keepCopy !== undefined) {
    return { ...(await offer.keepCopy(ref)), format }
  }
  const bytes = await service.options.blobStore.get(ref, { maxBytes: service.limits.listBytes, signal })
  return { ...(await offer.keep(bytes)), format }
}

function nonEmpty(body: Uint8Array): Uint8Array {
  if (body.byteLength === 0) {
    throw new BoxletError('REQUEST_INVALID', 'Expected lines that name pictures but the body is empty.')
  }
  return body
}
