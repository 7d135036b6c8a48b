import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { S3BlobStore } from '../clients/s3-blob-store.ts'
import { fetchModel } from './s3-model.ts'

const MIB = 2 ** 20
/** Two whole ranges and a part of a third. */
const model = randomBytes(20 * MIB + 12_345)
const sha256 = createHash('sha256').update(model).digest('hex')
const at = { bucket: 'models', key: 'folder/model.onnx' }

/** S3 as far as it is used here; `fault` may answer a request in another way. */
let fault: (range: string | undefined, response: ServerResponse) => boolean
let ranges: string[]
let server: Server
let endpoint: string
let folder: string

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { range } = request.headers
  if (range !== undefined) {
    ranges.push(range)
  }
  if (fault(range, response)) {
    return
  }
  const [start = 0, end = model.length - 1] =
    /(\d+)-(\d+)/
      .exec(range ?? '')
      ?.slice(1)
      .map(Number) ?? []
  const bytes = model.subarray(start, end + 1)
  response.writeHead(range === undefined ? 200 : 206, { etag: '"one"', 'content-length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

const client = (at = endpoint) => new S3BlobStore({ endpoint: at, region: 'us-east-1' }).client

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID ??= 'test'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test'
  server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-model-'))
  fault = () => false
  ranges = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describe('a model in S3', () => {
  it('comes in ranges that make up the whole file', async () => {
    const path = await fetchModel(client(), at, sha256, folder)
    expect(readFileSync(path).equals(model)).toBe(true)
    expect(ranges.sort()).toEqual(['bytes=0-8388607', 'bytes=16777216-20983864', 'bytes=8388608-16777215'])
  })

  it('takes its hash in either case', async () => {
    expect(readFileSync(await fetchModel(client(), at, sha256.toUpperCase(), folder)).length).toBe(
      model.length,
    )
  })

  it('is not fetched again while its verified file is there, as after a restart of the process', async () => {
    const path = await fetchModel(client(), at, sha256, folder)
    fault = () => {
      throw new Error('asked again')
    }
    expect(await fetchModel(client(), at, sha256, folder)).toBe(path)
  })

  it('is fetched again when its file was changed or cut off', async () => {
    const path = await fetchModel(client(), at, sha256, folder)
    for (const damaged of [model.subarray(0, MIB), Buffer.concat([model, Buffer.from('x')])]) {
      writeFileSync(path, damaged)
      expect(readFileSync(await fetchModel(client(), at, sha256, folder)).equals(model)).toBe(true)
    }
  })

  it('takes away what a download that was cut off has left, and nothing else', async () => {
    const path = await fetchModel(client(), at, sha256, folder)
    rmSync(path)
    writeFileSync(`${path}.0a1b2c3d`, model.subarray(0, MIB))
    writeFileSync(join(folder, 'boxlet-other.onnx'), 'x')
    expect(await fetchModel(client(), at, sha256, folder)).toBe(path)
    expect(readdirSync(folder).sort()).toEqual([basename(path), 'boxlet-other.onnx'].sort())
  })

  it('of other bytes is refused and leaves nothing behind', async () => {
    await expect(fetchModel(client(), at, '0'.repeat(64), folder)).rejects.toMatchObject({
      code: 'DOWNLOAD_MISMATCH',
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('survives a range whose answer breaks off', async () => {
    let broken = 0
    fault = (range, response) => {
      if (!range?.startsWith('bytes=8388608-') || broken++ > 0) {
        return false
      }
      response.writeHead(206, { etag: '"one"', 'content-length': 8 * MIB })
      response.write(model.subarray(0, 1000), () => response.destroy())
      return true
    }
    expect(readFileSync(await fetchModel(client(), at, undefined, folder)).equals(model)).toBe(true)
    expect(broken).toBe(2)
  })

  it('is refused when ranges stay short, also without a hash', async () => {
    fault = (range, response) => {
      if (!range?.startsWith('bytes=8388608-')) {
        return false
      }
      response.writeHead(206, { etag: '"one"', 'content-length': 3 }).end('abc')
      return true
    }
    await expect(fetchModel(client(), at, undefined, folder)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: 'Expected 8388608 bytes of the model but received another number.',
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('that is replaced while it comes is not mixed', async () => {
    fault = (range, response) => {
      if (!range?.startsWith('bytes=16777216-')) {
        return false
      }
      response.writeHead(412).end()
      return true
    }
    await expect(fetchModel(client(), at, undefined, folder)).rejects.toThrow('replaced meanwhile')
    expect(readdirSync(folder)).toEqual([])
  })

  it('that nobody can reach is reported with what a network needs', async () => {
    await expect(fetchModel(client('http://127.0.0.1:9'), at, sha256, folder)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: 'Expected an answer of S3 but none came in time.',
      hint: expect.stringContaining('VPC'),
    })
  })
})

describe('a client of S3', () => {
  it('gives up an answer that does not come, and says why', async () => {
    fault = () => true
    const store = new S3BlobStore({ endpoint, region: 'us-east-1', timeoutMs: 200 })
    await expect(store.get({ bucket: 'b', key: 'k' })).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: 'Expected an answer of S3 but none came in time.',
      hint: expect.stringContaining('VPC'),
    })
  })

  it('gives up an answer that stops in the middle', async () => {
    fault = (_range, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('a')
      return true
    }
    const store = new S3BlobStore({ endpoint, region: 'us-east-1', timeoutMs: 200 })
    await expect(store.get({ bucket: 'b', key: 'k' })).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
  })
})
