import type { Hono } from 'hono'
import type { Env } from '../call.ts'
import { allowOnly, type Service } from '../service.ts'

/** `GET /openapi.json`, open to all: it says nothing that the docs do not. */
export function openApiRoute(app: Hono<Env>, service: Service): void {
  app.get('/openapi.json', async (c) => {
    const { openApiDocument } = await import('./document.ts')
    return c.json(openApiDocument(service.options.version ?? '0'))
  })
  app.all('/openapi.json', allowOnly('GET'))
}
