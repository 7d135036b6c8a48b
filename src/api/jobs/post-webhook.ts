import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { checkedLookup, checkUrl } from '../../image/fetch/guarded-address.ts'
import type { PostWebhook } from '../../jobs/webhook.ts'

/** What the address of a webhook may be; `off` for a service that calls none. */
export type WebhookRules = { allowHttp: boolean; allowPrivate: boolean } | 'off'

/** @throws BoxletError URL_REFUSED */
export function checkWebhook(address: string, rules: WebhookRules): URL {
  if (rules === 'off') {
    throw new BoxletError('URL_REFUSED', 'Expected no webhook, since this service calls no addresses.')
  }
  try {
    return checkUrl(address, rules)
  } catch (cause) {
    throw new BoxletError('URL_REFUSED', `${toBoxletError(cause).message} It was meant for a webhook.`, {
      cause,
      hint: 'Webhooks go to public https addresses, unless workers and service are started with --urls any.',
    })
  }
}

/**
 * The same rules as for addresses of pictures; a redirect is an answer like any other, and no good one.
 */
export function webhookPoster(rules: WebhookRules): PostWebhook {
  return async ({ url: address, headers, body }, signal) => {
    const url = checkWebhook(address, rules)
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    try {
      return await new Promise<number>((resolve, reject) => {
        request(url, {
          method: 'POST',
          // No pooled connections: each one is opened through the checked lookup.
          agent: false,
          lookup: checkedLookup(rules === 'off' ? {} : rules),
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
