import type { Hono } from 'hono'
import { BoxletError } from '../errors.ts'
import type { Env } from './call.ts'
import type { Page } from './options.ts'
import { PAGE_VIEWS } from './page-views.ts'

/** Nothing from other hosts, nothing inline: what a picture or a label says can never run. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob: mediastream:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The playground page and its files. */
export function pageRoutes(app: Hono<Env>, page: Page): void {
  const serve = async (path: string): Promise<Response> => {
    const file = await page.get(path)
    if (file === undefined) {
      throw new BoxletError('NOT_FOUND', 'Expected a documented path but received another one.')
    }
    return new Response(file.body as Uint8Array<ArrayBuffer>, {
      headers: {
        'content-type': file.contentType,
        'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        'content-security-policy': POLICY,
        'referrer-policy': 'no-referrer',
      },
    })
  }
  for (const view of Object.values(PAGE_VIEWS)) {
    app.get(view, () => serve('/'))
  }
  app.get('/assets/*', (c) => serve(c.req.path))
  app.get('/favicon.svg', () => serve('/favicon.svg'))
}
