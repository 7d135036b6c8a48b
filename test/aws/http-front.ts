import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import { functionUrl, parse, type Whole } from './events.ts'

/** Bodies of other types reach a function in base64. Source: Lambda developer guide, "Invoking function URLs". */
const TEXT = /^(text\/|application\/(json|javascript|xml)(;|$))/

export interface HttpFront {
  endpoint: string
  close(): Promise<void>
}

/** A function URL without authorisation before a function that runs here, for clients that speak HTTP. */
export async function startFunctionUrl(host: LambdaHost): Promise<HttpFront> {
  const eventOf = async (request: IncomingMessage) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) {
      chunks.push(chunk as Buffer)
    }
    const [path = '/', query = ''] = (request.url ?? '/').split('?')
    const isBase64Encoded = !TEXT.test(request.headers['content-type'] ?? '')
    return functionUrl(request.method ?? 'GET', path, {
      caller: null,
      query,
      headers: {
        ...Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        // As when CloudFront stands before it.
        'x-amz-cf-id': 'q6mFqVgCzQ==',
      },
      ...(chunks.length === 0
        ? {}
        : { body: Buffer.concat(chunks).toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded }),
    })
  }
  const server = createServer(async (request, response) => {
    const result = await host.invoke(await eventOf(request))
    const { statusCode, headers, body, isBase64Encoded } = parse<Whole>(result.payload)
    response.writeHead(statusCode, headers).end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
