import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BoxletError } from '../../errors.ts'
import { checkedLookup, checkUrl } from '../../image/fetch/guarded-address.ts'
import type { PostWebhook } from '../../jobs/webhook.ts'

/**
 * The same rules as for addresses of pictures; a redirect is an answer like any other, and no good one.
 *
 * @param rules what an address may be; `off` for a service that calls none
 */
export function webhookPoster(rules: { allowHttp: boolean; allowPrivate: boolean } | 'off'): PostWebhook {
  return async ({ url: address, headers, body }, signal) => {
    if (rules === 'off') {
      throw new BoxletError('URL_REFUSED', 'Expected no webhook, since this service calls no addresses.')
    }
    const url = checkUrl(address, rules)
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    try {
      return await new Promise<number>((resolve, reject) => {
        request(url, {
          method: 'POST',
          // No pooled connections: each one is opened through the checked lookup.
          agent: false,
          lookup: checkedLookup(rules),
          signal,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        })
          .on('response', (response) => {
            // Nobody reads what the receiver says, so nobody waits for it.
            response.destroy()
            resolve(response.statusCode ?? 0)
          })
          .on('error', reject)
          .end(body)
      })
    } catch (cause) {
      if (cause instanceof BoxletError) {
        throw cause
      }
      throw new BoxletError(
        'WEBHOOK_FAILED',
        'Expected to reach the receiver of the webhook but could not.',
        {
          cause,
        },
      )
    }
  }
}
