import type { Dialect } from '../api/dialects/dialect.ts'
import { parseJsonObject } from '../api/json-body.ts'
import { allowOnly } from '../api/service.ts'
import { answer, type Tool } from './protocol.ts'

/**
 * `POST /mcp`, the streamable HTTP transport without sessions and streams: each message is answered by itself, as JSON.
 * Origins of strangers are refused by the service, and keys are those of the service.
 */
export const mcpDialect = (tools: readonly Tool[]): Dialect => ({
  routes(app, service, guard) {
    const server = { version: service.options.version ?? '0', tools }
    app.post('/mcp', guard(service.limits.bodyBytes), async (c) => {
      const { signal, caller } = c.get('call')
      const reply = await answer(parseJsonObject(c.get('body')), server, signal, caller)
      return reply === undefined ? c.body(null, 202) : c.json(reply)
    })
    app.all('/mcp', allowOnly('POST'))
  },
})
