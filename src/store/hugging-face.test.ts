import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Environment } from '../system/environment.ts'
import { parseReference } from './hugging-face-hub.ts'
import { pullModel, resolveModel } from './store.ts'

const COMMIT = 'a'.repeat(40)
const NEXT = 'b'.repeat(40)
const MODEL = randomBytes(20_000)
const sha256 = createHash('sha256').update(MODEL).digest('hex')

/** The part of Hugging Face that is asked, with storage on an address of its own, as there. */
interface Hub {
  commit: string
  served: Buffer
  files: Record<string, object | undefined>
  lfs: boolean
  licence?: string
  /** Files of weights beside the model. */
  weights: Record<string, Buffer>
  requests: { path: string; authorization: string | undefined }[]
}

let hub: Hub
let servers: Server[]
let folder: string
let env: Environment

async function listen(
  answer: (request: IncomingMessage) => { status: number; body?: Buffer | string; location?: string },
) {
  const server = createServer((request, response) => {
    const { status, body = '', location } = answer(request)
    response.writeHead(status, location === undefined ? {} : { location })
    response.end(body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  servers.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeEach(async () => {
  servers = []
  folder = await mkdtemp(join(tmpdir(), 'boxlet-hub-'))
  hub = {
    commit: COMMIT,
    served: MODEL,
    files: {},
    lfs: true,
    licence: 'apache-2.0',
    weights: {},
    requests: [],
  }
  const note = (request: IncomingMessage) =>
    hub.requests.push({ path: request.url!, authorization: request.headers.authorization })
  const storage = await listen((request) => {
    note(request)
    return { status: 200, body: hub.served }
  })
  const host = await listen((request) => {
    note(request)
    const path = decodeURIComponent(request.url!.split('?')[0]!)
    if (/^\/api\/models\/somebody\/Cups\/revision\/(main|v1)$/.test(path)) {
      const lfs = hub.lfs ? { lfs: { sha256, size: MODEL.length } } : {}
      const siblings = [
        { rfilename: 'onnx/model.onnx', size: MODEL.length, ...lfs },
        { rfilename: 'README.md' },
        ...Object.entries(hub.weights).map(([rfilename, bytes]) => ({
          rfilename,
          lfs: { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length },
        })),
      ]
      return {
        status: 200,
        body: JSON.stringify({ sha: hub.commit, siblings, cardData: { license: hub.licence } }),
      }
    }
    const inside = new RegExp(`^/somebody/Cups/resolve/${hub.commit}/(.+)$`).exec(path)?.[1]
    if (inside === 'onnx/model.onnx') {
      return { status: 302, location: `${storage}/blob` }
    }
    const weights = hub.weights[inside ?? '']
    if (weights !== undefined) {
      return { status: 200, body: weights }
    }
    const file = hub.files[inside ?? '']
    return file === undefined
      ? { status: 404, body: 'Entry not found' }
      : { status: 200, body: JSON.stringify(file) }
  })
  env = { BOXLET_CACHE: folder, HF_ENDPOINT: host, HF_TOKEN: 'hf_secret' }
})
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await rm(folder, { recursive: true, force: true })
})

const NAME = 'hf:somebody/Cups/onnx/model.onnx'

describe('a model of Hugging Face', () => {
  it('is fetched once, with its hash, licence and name', async () => {
    const notices: string[] = []
    const resolved = await resolveModel(NAME, { env, onNotice: (line) => notices.push(line) })
    expect(resolved).toMatchObject({
      name: 'cups',
      sha256,
      licence: { name: 'Apache-2.0', class: 'permissive' },
    })
    expect(await readFile(resolved.path)).toEqual(MODEL)
    expect(notices).toEqual([
      `"${NAME}" is commit ${COMMIT.slice(0, 12)} and stays it until it is pulled again.`,
    ])
    hub.requests = []
    expect(await resolveModel(NAME, { env })).toEqual(resolved)
    expect(await resolveModel(NAME, { env: { ...env, BOXLET_OFFLINE: '1' } })).toEqual(resolved)
    expect(hub.requests).toEqual([])
  })

  it('stays the commit that it was until it is pulled', async () => {
    await resolveModel(NAME, { env })
    hub.commit = NEXT
    expect((await resolveModel(NAME, { env })).path).toContain(COMMIT)
    expect((await pullModel(NAME, { env })).path).toContain(NEXT)
    expect((await resolveModel(NAME, { env })).path).toContain(NEXT)
    expect((await resolveModel(`${NAME}@v1`, { env })).path).toContain(NEXT)
  })

  it('keeps the token from the storage to which it is sent on', async () => {
    await resolveModel(NAME, { env })
    expect(
      hub.requests.filter(({ path }) => path === '/blob').map(({ authorization }) => authorization),
    ).toEqual([undefined])
    expect(hub.requests[0]!.authorization).toBe('Bearer hf_secret')
  })

  it.each(['onnx/config.json', 'config.json'])('brings the labels of %s', async (file) => {
    hub.files[file] = { id2label: { 0: 'cup', 1: 'fork' }, secret: 'left out' }
    const { labels } = await resolveModel(NAME, { env })
    expect(JSON.parse(await readFile(labels!, 'utf8'))).toEqual({ id2label: { 0: 'cup', 1: 'fork' } })
  })

  it.each([['onnx/model.onnx.data'], ['onnx/model.onnx_data']])(
    'brings the weights that lie beside it: %s',
    async (file) => {
      const bytes = randomBytes(3_000)
      hub.weights = { [file]: bytes, 'onnx/model_fp16.onnx_data': randomBytes(9) }
      const { path } = await resolveModel(NAME, { env })
      const beside = join(dirname(path), basename(file))
      expect(await readFile(beside)).toEqual(bytes)
      expect(await readdir(dirname(path))).not.toContain('model_fp16.onnx_data')
      hub.requests = []
      await resolveModel(NAME, { env })
      expect(hub.requests).toEqual([])
      await appendFile(beside, 'x')
      await resolveModel(NAME, { env })
      expect(await readFile(beside)).toEqual(bytes)
    },
  )

  it('does without labels where there are none', async () => {
    hub.files['config.json'] = { model_type: 'detr' }
    expect((await resolveModel(NAME, { env })).labels).toBeUndefined()
  })

  it('is fetched again where its file was changed', async () => {
    const { path } = await resolveModel(NAME, { env })
    await appendFile(path, 'x')
    expect(await readFile((await resolveModel(NAME, { env })).path)).toEqual(MODEL)
  })

  it('is refused where other bytes come than the hash says', async () => {
    hub.served = Buffer.concat([MODEL.subarray(1), Buffer.of(0)])
    await expect(resolveModel(NAME, { env })).rejects.toMatchObject({ code: 'DOWNLOAD_MISMATCH' })
  })

  it('of which the host tells no hash is known by the one that it has', async () => {
    hub.lfs = false
    expect((await resolveModel(NAME, { env })).sha256).toBe(sha256)
  })

  it('without a licence says so', async () => {
    delete hub.licence
    const notices: string[] = []
    await resolveModel(NAME, { env, onNotice: (line) => notices.push(line) })
    expect(notices.join()).toContain('states no licence')
  })

  it.each([
    ['hf:somebody/Cups/other.onnx', 'MODEL_NOT_FOUND', 'onnx/model.onnx'],
    ['hf:nobody/Cups/model.onnx', 'MODEL_NOT_FOUND', 'HF_TOKEN'],
    ['hf:somebody/Cups/onnx/model.onnx@v9', 'MODEL_NOT_FOUND', 'revision'],
    ['hf:somebody/Cups', 'USAGE', 'hf:'],
  ])('that is not there is told with what to do: %s', async (name, code, hint) => {
    await expect(resolveModel(name, { env })).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(hint),
    })
  })

  it('cannot be looked for offline', async () => {
    await expect(resolveModel(NAME, { env: { ...env, BOXLET_OFFLINE: '1' } })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      hint: expect.stringContaining('model pull'),
    })
  })
})

describe('the name of a model of Hugging Face', () => {
  it('has an owner, a repository, a file and perhaps a revision', () => {
    expect(parseReference('hf:a/b/c/d.onnx@refs/pr/3')).toEqual({
      owner: 'a',
      repo: 'b',
      file: 'c/d.onnx',
      revision: 'refs/pr/3',
    })
    expect(parseReference('hf:a/b/c.onnx').revision).toBe('main')
  })
  it.each([
    'hf:',
    'hf:a/b',
    'hf:a/b/',
    'hf:a/../c.onnx',
    'hf:a/b/../../c.onnx',
    'hf:a/b/c\\d.onnx',
    'hf:a/b/c@../d',
    'hf:a/b/c@d@e',
    'hf:.a/b/c',
  ])('is refused where it is of another form: %s', (name) => {
    expect(() => parseReference(name)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
