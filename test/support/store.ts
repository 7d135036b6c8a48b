/** A real server with real bytes on this machine, and a catalogue that points to it, for the tests of the store. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelSource } from '../../src/store/catalogue-entry.ts'
import type { Environment } from '../../src/system/environment.ts'

/** Not compressible, several network chunks long. */
export const MODEL_BYTES: Buffer = randomBytes(300_000)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface TestServer {
  address: string
  /** Paths asked for, in order. */
  requests: string[]
  close(): Promise<void>
}

export async function startServer(answer: RequestListener): Promise<TestServer> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    requests.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** How the server of the https tests answers, by path. */
export const answerByPath: RequestListener = (request, response) => {
  const path = request.url ?? ''
  const half = MODEL_BYTES.subarray(0, MODEL_BYTES.length / 2)
  if (path === '/whole.onnx') {
    return void response.end(MODEL_BYTES)
  }
  if (path === '/moved.onnx') {
    return void response.writeHead(302, { location: '/whole.onnx' }).end()
  }
  if (path === '/downgrade.onnx') {
    return void response.writeHead(302, { location: 'http://nowhere.invalid/whole.onnx' }).end()
  }
  if (path === '/other.onnx') {
    return void response.end(randomBytes(MODEL_BYTES.length))
  }
  if (path === '/long.onnx') {
    return void response.end(Buffer.concat([MODEL_BYTES, MODEL_BYTES]))
  }
  if (path === '/short.onnx') {
    return void response.end(half)
  }
  if (path === '/cut.onnx') {
    response.writeHead(200, { 'content-length': MODEL_BYTES.length })
    return void response.write(half, () => setTimeout(() => response.destroy(), 20))
  }
  if (path === '/stalled.onnx') {
    response.writeHead(200, { 'content-length': MODEL_BYTES.length })
    return void response.write(half)
  }
  if (path === '/silent.onnx') {
    return
  }
  if (path === '/slow.onnx') {
    response.writeHead(200, { 'content-length': MODEL_BYTES.length })
    return void trickle(MODEL_BYTES, response)
  }
  response.writeHead(404).end()
}

async function trickle(bytes: Buffer, response: Parameters<RequestListener>[1]): Promise<void> {
  const step = Math.ceil(bytes.length / 10)
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    response.write(bytes.subarray(at, at + step))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  response.end()
}

export interface Workspace {
  folder: string
  env: Environment
  /** Adds an entry named `name` for MODEL_BYTES unless told otherwise. */
  addEntry(name: string, sources: ModelSource[], change?: Record<string, unknown>): void
  /** Files in the cache by name. */
  cached(): string[]
  remove(): void
}

export function makeWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-store-'))
  const catalogue = join(folder, 'catalogue')
  mkdirSync(catalogue)
  return {
    folder,
    env: { BOXLET_CACHE: join(folder, 'cache'), BOXLET_CATALOGUE: catalogue, HOME: folder },
    addEntry(name, sources, change = {}) {
      mkdirSync(join(catalogue, name), { recursive: true })
      const entry = {
        name,
        title: name,
        task: 'detect',
        family: 'yolov8',
        format: 'onnx',
        bytes: MODEL_BYTES.length,
        sha256: sha256(MODEL_BYTES),
        input: { width: 64, height: 64 },
        licence: { name: 'MIT', class: 'permissive', source: 'made for a test' },
        sources,
        ...change,
      }
      writeFileSync(join(catalogue, name, 'model.json'), JSON.stringify(entry))
    },
    cached() {
      try {
        return readdirSync(join(folder, 'cache', 'models')).sort()
      } catch {
        return []
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
