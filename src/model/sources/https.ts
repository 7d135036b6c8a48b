/** A model file at an https address. Redirects are followed; proxies come from the environment. */
import type { HttpsSource } from '../catalogue-entry.ts'
import { readHttp } from './http-stream.ts'
import type { ReadSource } from './source.ts'

export const readHttps: ReadSource<HttpsSource> = (source, context) => {
  const { env } = context
  const connection = {
    proxy: env.https_proxy || env.HTTPS_PROXY,
    noProxy: env.no_proxy || env.NO_PROXY,
  }
  return readHttp(source.url, { connection, headersFor: () => ({}) }, context)
}
