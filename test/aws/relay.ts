/** What moto cannot show: states of failure, networks that fail, services that do not answer. All else is moto's. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Relay {
  endpoint: string
  /** Called with each request, before it goes on. */
  seen: ((headers: IncomingHttpHeaders, body: string) => void) | undefined
  /** Changes answers on their way back. */
  change: ((body: string) => string) | undefined
  /** `down` breaks connections, `silent` never answers. */
  state: 'up' | 'down' | 'silent'
  calls: number
  stop(): Promise<void>
}

export async function startRelay(target: string): Promise<Relay> {
  const server = createServer(async (request, response) => {
    relay.calls++
    if (relay.state === 'down') {
      return void request.socket.destroy()
    }
    if (relay.state === 'silent') {
      return
    }
    const parts: Buffer[] = []
    for await (const part of request) {
      parts.push(part as Buffer)
    }
    relay.seen?.(request.headers, Buffer.concat(parts).toString())
    const { host: _, connection: __, ...headers } = request.headers
    const answer = await fetch(target + request.url, {
      method: request.method ?? 'POST',
      headers: headers as Record<string, string>,
      body: Buffer.concat(parts),
    })
    const body = await answer.text()
    const type = answer.headers.get('content-type') ?? 'text/xml'
    response.writeHead(answer.status, { 'content-type': type }).end(relay.change?.(body) ?? body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const relay: Relay = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: undefined,
    change: undefined,
    state: 'up',
    calls: 0,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return relay
}
