import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  answerByPath,
  MODEL_BYTES,
  makeWorkspace,
  startServer,
  type TestServer,
  type Workspace,
} from '../../../test/support/store.ts'
import { pullModel } from '../store.ts'
import { readHttp } from './http-stream.ts'

let space: Workspace
let server: TestServer
beforeEach(async () => {
  space = makeWorkspace()
  server = await startServer(answerByPath)
})
afterEach(async () => {
  space.remove()
  await server.close()
})

/** A proxy that writes down which hosts it was asked for, and refuses. */
async function startProxy(): Promise<{ address: string; asked: string[]; close(): void }> {
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return { address, asked, close: () => proxy.close() }
}

test('https goes through HTTPS_PROXY, unless NO_PROXY names the host or it is this machine', async () => {
  const proxy = await startProxy()
  const env = { ...space.env, HTTPS_PROXY: proxy.address, NO_PROXY: 'direct.invalid' }
  space.addEntry('far', [{ type: 'https', url: 'https://models.invalid/m.onnx' }])
  await expect(pullModel('far', { env })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  expect(proxy.asked).toEqual(['models.invalid:443'])
  space.addEntry('direct', [{ type: 'https', url: 'https://direct.invalid/m.onnx' }])
  await expect(pullModel('direct', { env })).rejects.toThrow(/no address/)
  space.addEntry('near', [{ type: 'https', url: `${server.address}/whole.onnx` }])
  await pullModel('near', { env })
  expect(proxy.asked).toHaveLength(1)
  proxy.close()
})

test('a reader that stops closes the connection, and one that waits holds the sender back', async () => {
  let sent = 0
  let closed = false
  const endless = await startServer(async (_request, response) => {
    response.on('close', () => {
      closed = true
    })
    while (!response.destroyed && sent < 1e9) {
      sent += MODEL_BYTES.length
      if (response.write(MODEL_BYTES)) {
        continue
      }
      await new Promise<void>((go) => {
        const next = () => {
          response.off('drain', next).off('close', next)
          go()
        }
        response.on('drain', next).on('close', next)
      })
    }
  })
  const context = { env: {}, signal: new AbortController().signal, alive: () => undefined }
  const options = { connection: {}, headersFor: () => ({}) }
  for await (const _ of readHttp(`${endless.address}/`, options, context)) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    break
  }
  expect(sent).toBeLessThan(50e6)
  await expect.poll(() => closed).toBe(true)
  await endless.close()
})

test('redirects without end are given up', async () => {
  const circle = await startServer((_request, response) => {
    response.writeHead(302, { location: '/again' }).end()
  })
  space.addEntry('m', [{ type: 'https', url: `${circle.address}/again` }])
  await expect(pullModel('m', { env: space.env })).rejects.toThrow(/too many redirects/)
  expect(circle.requests.length).toBeLessThan(25)
  await circle.close()
})

test('a server that fails is asked once more', async () => {
  let asked = 0
  const weak = await startServer((_request, response) => {
    if (asked++ === 0) {
      response.writeHead(503).end()
    } else {
      response.end(MODEL_BYTES)
    }
  })
  space.addEntry('m', [{ type: 'https', url: `${weak.address}/m.onnx` }])
  await pullModel('m', { env: space.env })
  expect(asked).toBe(2)
  await weak.close()
})
