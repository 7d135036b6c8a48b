/** A model file at an https address. Redirects are followed; proxies come from the environment. */
import type { HttpsSource } from '../catalogue-entry.ts'
import { readHttp } from './http-stream.ts'
import type { ReadSource } from './source.ts'

export const readHttps: ReadSource<HttpsSource> = (source, context) => {
  const { env } = context
  const noProxy = (env.no_proxy || env.NO_PROXY || '').split(',').map((host) => host.trim())
  const connection = {
    proxy: env.https_proxy || env.HTTPS_PROXY,
    // A proxy elsewhere could not reach this machine by these names.
    noProxy: [...noProxy.filter((host) => host !== ''), 'localhost', '127.0.0.1', '[::1]'],
  }
  return readHttp(source.url, { connection, headersFor: context.headersFor ?? (() => ({})) }, context)
}
