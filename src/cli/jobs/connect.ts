import { createApp } from '../../api/app.ts'
import { LOCAL_TENANT } from '../../api/jobs/tenant.ts'
import type { RequestParts, Send } from '../../client/ask.ts'
import { BoxletError } from '../../errors.ts'
import type { JobHome } from '../../jobs/home.ts'
import { JobService } from '../../jobs/service.ts'
import { jobOffer } from '../../server/jobs.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import type { Io } from '../kit/verb.ts'
import { JobsClient } from './client.ts'
import { openStore, STORE_OPTION } from './open-store.ts'

/** Options of every verb that asks after jobs. */
export const WHERE_OPTIONS = {
  ...STORE_OPTION,
  endpoint: {
    type: 'string',
    says: 'address of a service to ask, instead of a store on this machine',
    group: 'Where',
    value: 'URL',
    own: true,
  },
  'api-key': {
    type: 'string',
    says: 'key for the service',
    group: 'Where',
    value: 'KEY',
  },
} as const satisfies Options

export type WhereValues = Partial<Settings<typeof WHERE_OPTIONS>>

/** Jobs of a service or of a store. */
export interface Connection extends AsyncDisposable {
  client: JobsClient
  /** Of a store on this machine: what needs more than the API offers. */
  local?: { home: JobHome; service: JobService; tenant: string }
}

/** Bodies of uploads on slow lines take their time; answers wait for a change at most this long. */
const TIMEOUT_MS = 120_000
/** A service that restarts is back within seconds. */
const TRIES = 4
const FIRST_PAUSE_MS = 500

/** @throws BoxletError STORE_VERSION, STORE_CORRUPT, STORE_UNAVAILABLE; USAGE for a wrong address */
export async function connect(
  values: WhereValues,
  io: Io,
  open: typeof openStore = openStore,
): Promise<Connection> {
  if (values.endpoint !== undefined) {
    const client = new JobsClient(remote(values.endpoint, values['api-key'], io.signal))
    return { client, [Symbol.asyncDispose]: async () => {} }
  }
  const home = await open(values, io.env)
  const service = new JobService(home.store, home.pictures, () => {}, home.webhooks)
  const app = createApp({
    detectors: { names: [], defaultName: '', ready: () => true, get: () => Promise.reject(noDetector()) },
    jobs: { ...jobOffer(home, service, 'any'), anyModel: true },
  })
  const send: Send = (path, { body, ...parts }) =>
    app.fetch(
      new Request(`http://localhost${path}`, { ...parts, ...(body !== undefined && { body: bodyOf(body) }) }),
    )
  return {
    client: new JobsClient(send),
    local: { home, service, tenant: LOCAL_TENANT },
    [Symbol.asyncDispose]: () => home.close(),
  }
}

const noDetector = (): BoxletError => new BoxletError('MODEL_NOT_FOUND', 'Expected no model to be asked for.')

const bodyOf = (body: NonNullable<RequestParts['body']>) =>
  body as Uint8Array<ArrayBuffer> | FormData | Blob | string

function remote(endpoint: string, key: string | undefined, signal: AbortSignal): Send {
  if (!/^https?:/i.test(endpoint) || !URL.canParse(endpoint)) {
    throw new BoxletError(
      'USAGE',
      `Expected an http or https address for --endpoint but received "${endpoint}".`,
    )
  }
  const base = endpoint.replace(/\/+$/, '')
  return async (path, { body, headers, ...parts }) => {
    for (let attempt = 1; ; attempt++) {
      const timeout = AbortSignal.timeout(TIMEOUT_MS)
      try {
        const response = await fetch(base + path, {
          ...parts,
          headers: { ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
          ...(body !== undefined && { body: bodyOf(body) }),
          redirect: 'error',
          signal: AbortSignal.any([signal, timeout]),
        })
        // A submission without a key could have been taken although its answer was lost.
        const again = parts.method === undefined || headers?.['idempotency-key'] !== undefined
        if (attempt === TRIES || !again || ![429, 502, 503, 504].includes(response.status)) {
          return response
        }
        await response.body?.cancel()
      } catch (cause) {
        if (signal.aborted) {
          throw new BoxletError('ABORTED', 'Expected an answer from the service but was interrupted.', {
            cause,
          })
        }
        if (attempt === TRIES) {
          throw new BoxletError(
            'URL_FAILED',
            `Expected an answer from ${new URL(base).host} but none came.`,
            {
              cause,
              hint: 'Check the address with: curl ADDRESS/healthz',
            },
          )
        }
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1)))
    }
  }
}
