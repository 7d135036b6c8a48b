/** The store against a real server on this machine. Longer than most, as all of it shares that server. */
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import {
  answerByPath,
  MODEL_BYTES,
  makeWorkspace,
  sha256,
  startServer,
  type TestServer,
  type Workspace,
} from '../../test/support/store.ts'
import { BoxletError, type ErrorCode } from '../errors.ts'
import { listModels, pullModel, removeModel, resolveModel, type StoreOptions } from './store.ts'

let server: TestServer
let space: Workspace

beforeAll(async () => {
  server = await startServer(answerByPath)
})
afterAll(() => server.close())
beforeEach(() => {
  space = makeWorkspace()
  server.requests.length = 0
})
afterEach(() => space.remove())

const from = (path: string) => ({ type: 'https' as const, url: `${server.address}${path}` })

async function failure(work: Promise<unknown>): Promise<BoxletError> {
  try {
    await work
  } catch (error) {
    if (error instanceof BoxletError) {
      return error
    }
    throw error
  }
  throw new Error('expected a failure')
}

/** Pulls an entry with these sources, expecting one line of that code and nothing in the cache. */
async function expectFailure(
  paths: string[],
  code: ErrorCode,
  text: RegExp,
  options: Partial<StoreOptions> = {},
): Promise<BoxletError> {
  space.addEntry('m', paths.map(from))
  const error = await failure(pullModel('m', { env: space.env, ...options }))
  expect(error.code).toBe(code)
  expect(error.message).toMatch(text)
  expect(error.message).not.toMatch(/\n| at .*\.[jt]s:\d+/)
  expect(space.cached()).toEqual([])
  return error
}

describe('a model of the catalogue', () => {
  test('is fetched once and found in the cache afterwards', async () => {
    space.addEntry('m', [from('/whole.onnx')])
    const seen: number[] = []
    const first = await resolveModel('m', { env: space.env, onProgress: ({ done }) => seen.push(done) })
    expect(readFileSync(first.path).equals(MODEL_BYTES)).toBe(true)
    expect(first).toMatchObject({
      name: 'm',
      sha256: sha256(MODEL_BYTES),
      licence: { name: 'MIT', class: 'permissive' },
    })
    expect(seen.at(-1)).toBe(MODEL_BYTES.length)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect((await resolveModel('m', { env: space.env })).path).toBe(first.path)
    expect(server.requests).toEqual(['/whole.onnx'])
    expect(space.cached()).toHaveLength(2)
  })

  test('is fetched through a redirect', async () => {
    space.addEntry('m', [from('/moved.onnx')])
    const { path } = await pullModel('m', { env: space.env })
    expect(readFileSync(path).equals(MODEL_BYTES)).toBe(true)
  })

  test('is fetched from the next source when one fails', async () => {
    space.addEntry('m', [from('/missing.onnx'), from('/cut.onnx'), from('/other.onnx'), from('/whole.onnx')])
    const { path } = await pullModel('m', { env: space.env })
    expect(readFileSync(path).equals(MODEL_BYTES)).toBe(true)
    expect(space.cached()).toHaveLength(2)
  })

  test('may take longer than the stall limit as long as bytes arrive', async () => {
    space.addEntry('m', [from('/slow.onnx')])
    const { path } = await pullModel('m', { env: { ...space.env, BOXLET_STALL_SECONDS: '0.5' } })
    expect(readFileSync(path).equals(MODEL_BYTES)).toBe(true)
  })

  test('names its licence when it is fetched, unless the licence is permissive', async () => {
    space.addEntry('free', [from('/whole.onnx')])
    space.addEntry('bound', [from('/whole.onnx')], {
      licence: { name: 'AGPL-3.0', class: 'copyleft', source: 'test' },
    })
    const lines: string[] = []
    const options = { env: space.env, onNotice: (line: string) => lines.push(line) }
    await pullModel('free', options)
    await pullModel('bound', options)
    await pullModel('bound', options)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/"bound".*AGPL-3\.0.*copyleft/)
  })
})

describe('a download that goes wrong leaves nothing and says why in one line', () => {
  test('not found', () => expectFailure(['/missing.onnx'], 'DOWNLOAD_FAILED', /404 \(not found\)/))
  test('other bytes', () => expectFailure(['/other.onnx'], 'DOWNLOAD_MISMATCH', /another SHA-256/))
  test('too many bytes', () => expectFailure(['/long.onnx'], 'DOWNLOAD_MISMATCH', /more bytes/))
  test('too few bytes', () => expectFailure(['/short.onnx'], 'DOWNLOAD_FAILED', /only 150000 bytes/))
  test('cut in the middle', () => expectFailure(['/cut.onnx'], 'DOWNLOAD_FAILED', /cut in the middle/))
  test('a redirect that leaves https', () =>
    expectFailure(['/downgrade.onnx'], 'DOWNLOAD_FAILED', /no address|not https/))

  const impatient = () => ({ env: { ...space.env, BOXLET_STALL_SECONDS: '0.3' } })
  test('stalled in the middle', () =>
    expectFailure(['/stalled.onnx'], 'DOWNLOAD_FAILED', /nothing for 0\.3 seconds/, impatient()))
  test('never answered', () =>
    expectFailure(['/silent.onnx'], 'DOWNLOAD_FAILED', /nothing for 0\.3|no answer/, impatient()))

  test('no host', async () => {
    space.addEntry('m', [{ type: 'https', url: 'https://host.invalid/m.onnx' }])
    const error = await failure(pullModel('m', { env: space.env }))
    expect(error.code).toBe('DOWNLOAD_FAILED')
    expect(error.message).toMatch(/offline\?.*host\.invalid/)
  })

  test('nobody listens', async () => {
    const closed = await startServer(answerByPath)
    await closed.close()
    space.addEntry('m', [{ type: 'https', url: `${closed.address}/whole.onnx` }])
    const error = await failure(pullModel('m', { env: space.env }))
    expect(error.message).toMatch(/refused connection/)
  })

  test('every source is named with its reason', async () => {
    const error = await expectFailure(['/missing.onnx', '/other.onnx'], 'DOWNLOAD_FAILED', /404.*SHA-256/)
    expect(error.details?.attempts).toHaveLength(2)
  })

  test('cancelled in the middle', async () => {
    const interrupt = new AbortController()
    const onProgress = ({ done }: { done: number }) => {
      if (done > 0) {
        interrupt.abort()
      }
    }
    await expectFailure(['/stalled.onnx', '/whole.onnx'], 'ABORTED', /cancelled/, {
      signal: interrupt.signal,
      onProgress,
    })
    expect(server.requests).toEqual(['/stalled.onnx'])
  })

  test('cancelled before it began', () =>
    expectFailure(['/whole.onnx'], 'ABORTED', /cancelled/, { signal: AbortSignal.abort() }))

  test('a cache folder that cannot exist', async () => {
    const file = join(space.folder, 'file')
    writeFileSync(file, '')
    space.addEntry('m', [from('/whole.onnx')])
    const error = await failure(pullModel('m', { env: { ...space.env, BOXLET_CACHE: join(file, 'cache') } }))
    expect(error.code).toBe('CACHE_UNWRITABLE')
    expect(error.hint).toMatch(/BOXLET_CACHE/)
  })
})

describe('a cached model', () => {
  const pulled = async (): Promise<string> => {
    space.addEntry('m', [from('/whole.onnx')])
    const { path } = await pullModel('m', { env: space.env })
    server.requests.length = 0
    return path
  }

  test('is fetched again when its bytes were changed in place', async () => {
    const path = await pulled()
    const bytes = Buffer.from(MODEL_BYTES)
    bytes[1000]! ^= 1
    writeFileSync(path, bytes)
    utimesSync(path, 1, 1)
    const lines: string[] = []
    await resolveModel('m', { env: space.env, onNotice: (line) => lines.push(line) })
    expect(readFileSync(path).equals(MODEL_BYTES)).toBe(true)
    expect(lines.join()).toMatch(/damaged/)
  })

  test('is fetched again when it was cut short', async () => {
    const path = await pulled()
    writeFileSync(path, MODEL_BYTES.subarray(0, 100))
    await resolveModel('m', { env: space.env })
    expect(readFileSync(path).equals(MODEL_BYTES)).toBe(true)
  })

  test('is hashed, not fetched, when only its time or its record changed', async () => {
    const path = await pulled()
    utimesSync(path, 1, 1)
    await resolveModel('m', { env: space.env })
    rmSync(`${path}.verified.json`)
    await resolveModel('m', { env: space.env })
    writeFileSync(`${path}.verified.json`, 'not JSON')
    await resolveModel('m', { env: space.env })
    expect(server.requests).toEqual([])
    expect(JSON.parse(readFileSync(`${path}.verified.json`, 'utf8'))).toMatchObject({
      mtimeMs: statSync(path).mtimeMs,
    })
  })

  test('serves without a network; others do not', async () => {
    await pulled()
    space.addEntry('n', [from('/whole.onnx')], { sha256: sha256(Buffer.from('n')) })
    const env = { ...space.env, BOXLET_OFFLINE: '1' }
    expect((await resolveModel('m', { env })).name).toBe('m')
    const error = await failure(resolveModel('n', { env }))
    expect(error.message).toMatch(/"n".*BOXLET_OFFLINE/)
    expect(server.requests).toEqual([])
  })

  test('is listed as cached until it is removed', async () => {
    await pulled()
    const isCached = async () =>
      (await listModels({ env: space.env })).find(({ entry }) => entry.name === 'm')?.cached
    expect(await isCached()).toBe(true)
    expect(await removeModel('m', { env: space.env })).toBe(true)
    expect(await removeModel('m', { env: space.env })).toBe(false)
    expect(await isCached()).toBe(false)
    expect(space.cached()).toEqual([])
  })

  test('is removed in all its versions, and others are not', async () => {
    await pulled()
    space.addEntry('m-large', [from('/whole.onnx')])
    await pullModel('m-large', { env: space.env })
    space.addEntry('m', [from('/whole.onnx')], { sha256: sha256(Buffer.from('next')) })
    expect(await removeModel('m', { env: space.env })).toBe(true)
    expect(space.cached().every((name) => name.startsWith('m-large-'))).toBe(true)
    expect(space.cached()).toHaveLength(2)
  })
})

describe('a path', () => {
  test('is used as it is, with its hash', async () => {
    const path = join(space.folder, 'fridge.onnx')
    writeFileSync(path, MODEL_BYTES)
    expect(await resolveModel(path, { env: space.env })).toEqual({
      name: 'fridge',
      path,
      sha256: sha256(MODEL_BYTES),
    })
  })

  test('is not hashed when it is larger than any model, and says so when it is cancelled', async () => {
    const path = join(space.folder, 'disk.onnx')
    writeFileSync(path, '')
    truncateSync(path, 2 ** 31)
    const tooLarge = await failure(resolveModel(path, { env: space.env }))
    expect(tooLarge).toMatchObject({ code: 'MODEL_LIMIT', message: expect.stringContaining('2147483648') })
    truncateSync(path, 1000)
    const cancelled = await failure(resolveModel(path, { env: space.env, signal: AbortSignal.abort() }))
    expect(cancelled.code).toBe('ABORTED')
  })

  test('brings the contract beside it', async () => {
    const path = join(space.folder, 'fridge.onnx')
    const contractPath = join(space.folder, 'fridge.contract.json')
    writeFileSync(path, MODEL_BYTES)
    writeFileSync(contractPath, JSON.stringify(CONTRACT))
    const model = await resolveModel(path, { env: space.env })
    expect(model).toMatchObject({ contract: CONTRACT, contractPath, licence: CONTRACT.licence })
    writeFileSync(contractPath, '{')
    expect((await failure(resolveModel(path, { env: space.env }))).code).toBe('CONTRACT_INVALID')
    writeFileSync(contractPath, JSON.stringify({ ...CONTRACT, famly: 'x' }))
    expect((await failure(resolveModel(path, { env: space.env }))).code).toBe('CONTRACT_INVALID')
  })

  test('that does not exist suggests names that are near', async () => {
    for (const typo of ['yolov8', 'yolo8n', 'yolov8n.onnx', './models/YOLOv8n.onnx']) {
      const error = await failure(resolveModel(typo, { env: space.env }))
      expect(error.code).toBe('MODEL_NOT_FOUND')
      expect(error.hint).toMatch(/Did you mean.*"yolov8n"/)
    }
    const error = await failure(resolveModel('zzzzzzzzzz', { env: space.env }))
    expect(error.hint).not.toMatch(/Did you mean/)
  })

  test('of a folder, and of nothing, is refused', async () => {
    mkdirSync(join(space.folder, 'models'))
    expect((await failure(resolveModel(join(space.folder, 'models'), { env: space.env }))).message).toMatch(
      /a folder/,
    )
    expect((await failure(resolveModel('', { env: space.env }))).code).toBe('MODEL_NOT_FOUND')
    expect((await failure(resolveModel('../../etc', { env: space.env }))).code).toBe('MODEL_NOT_FOUND')
  })

  test.skipIf(!hasCorpus)('of a real model gives the hash that is known of it', async () => {
    const model = await resolveModel(corpusPath('models/yolox-nano.onnx'), { env: space.env })
    expect(model.sha256).toBe('695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14')
  })
})

const CONTRACT = {
  version: 1,
  name: 'fridge',
  family: 'yolov8',
  task: 'detect',
  input: {
    name: 'images',
    layout: 'NCHW',
    dtype: 'float32',
    size: { width: 640, height: 640 },
    colour: 'RGB',
    mean: [0, 0, 0],
    std: [255, 255, 255],
    geometry: {
      fit: 'letterbox',
      align: 'centre',
      pad: [114, 114, 114],
      rounding: 'round',
      resample: 'bilinear',
    },
  },
  extraInputs: [],
  output: {
    roles: { predictions: 'output0' },
    boxCode: 'cxcywh',
    boxUnits: 'pixels',
    frame: 'input',
    scoreActivation: 'none',
    classes: 2,
    options: {},
  },
  labels: ['milk', 'egg'],
  thresholds: { score: 0.25 },
  suppression: { kind: 'per-class', iou: 0.7, maxDetections: 300 },
  licence: { name: 'MIT', class: 'permissive' },
}
