/** A model file at an https address. Redirects are followed; proxies come from the environment. */
import type { HttpsSource } from '../catalogue-entry.ts'
import { isAllowedAddress } from './address.ts'
import { libraryTimeout, type ReadSource, SourceFault, statusReason, watched } from './source.ts'

export const readHttps: ReadSource<HttpsSource> = async function* (source, context) {
  const { env, signal } = context
  const { default: fetch } = await import('make-fetch-happen')
  const proxy = env.https_proxy ?? env.HTTPS_PROXY
  const noProxy = env.no_proxy ?? env.NO_PROXY
  const response = await fetch(source.url, {
    signal,
    timeout: libraryTimeout(env),
    retry: { retries: 1, minTimeout: 500 },
    ...(proxy ? { proxy } : {}),
    ...(noProxy ? { noProxy } : {}),
  })
  if (!isAllowedAddress(response.url)) throw new SourceFault('a redirect to an address that is not https')
  if (!response.ok) throw new SourceFault(statusReason(response.status))
  yield* watched(response.body, context)
}
