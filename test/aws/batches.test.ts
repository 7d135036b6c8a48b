import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from './events.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'

const message = (key: string) => ({
  eventSource: 'aws:sqs',
  messageId: key,
  body: JSON.stringify({ s3: { bucket: 'bucket', key } }),
})

describe.skipIf(!canRunPackage)('batches of the packaged function', () => {
  let packaged: Packaged
  let server: Server
  const written: string[] = []
  beforeAll(async () => {
    packaged = await packageFunction()
    // S3 in which one object never comes.
    server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://s3').pathname
      request.resume()
      if (request.method === 'PUT') {
        written.push(path)
        response.end()
      } else if (!path.endsWith('hang.jpg')) {
        response.setHeader('content-length', picture.length).end(picture)
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  }, 240_000)
  afterAll(async () => {
    await packaged?.close()
    server?.closeAllConnections()
    server?.close()
  })

  it('end before Lambda ends them, with all but the picture that hangs done', async () => {
    const host = await packaged.open({
      timeoutMs: 8000,
      credentials: { AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    })
    const result = await host.invoke({ Records: ['hang.jpg', 'a.jpg', 'b.jpg'].map(message) })
    expect(result.functionError).toBeUndefined()
    expect(parse(result.payload)).toEqual({ batchItemFailures: [{ itemIdentifier: 'hang.jpg' }] })
    expect(written.map((path) => path.split('/').slice(-2).join('/'))).toEqual([
      'results/a.jpg.json',
      'results/b.jpg.json',
    ])
    expect(result.logs.join()).toContain('TIMEOUT')
    expect(host.environments).toBe(1)
  })
})
