import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../src/api/app.ts'
import { BoxletClient } from '../src/client/index.ts'
import { openHome } from '../src/local/home.ts'
import { listen, type RunningServer } from '../src/server/http-server.ts'
import { type RunningJobs, startJobs } from '../src/server/jobs.ts'
import { singleDetector } from './support/app.ts'
import { type JobsPlace, jobsPlace } from './support/jobs.ts'
import { faultsBy, operations } from './support/openapi.ts'

const COFFEE = readFileSync(join(import.meta.dirname, '../examples/pictures/coffee.png'))
let place: JobsPlace
let jobs: RunningJobs
let server: RunningServer
let client: BoxletClient
/** What the client asked, and what came of it. */
const asked: { method: string; path: string; query: string[]; status: number; body: unknown }[] = []

beforeAll(async () => {
  place = await jobsPlace()
  const detectors = { defaultName: 'dogs', get: async () => place.detector }
  jobs = await startJobs({
    open: () => openHome(join(place.folder, 'client')),
    detectors,
    concurrency: 1,
    blobStore: undefined,
    urls: 'https',
    maxBytes: 2 ** 20,
    fetchMs: 1000,
    onNotice: () => {},
  })
  const app = createApp({ detectors: singleDetector(place.detector, undefined, 'dogs'), jobs: jobs.offer })
  server = await listen(app, { host: '127.0.0.1', port: 0 })
  client = new BoxletClient(server.url, {
    fetch: async (address, init) => {
      const response = await fetch(address, init)
      const { pathname, searchParams } = new URL(address)
      const query = [...searchParams.keys()]
      const body: unknown = await response.clone().json()
      asked.push({ method: init.method ?? 'GET', path: pathname, query, status: response.status, body })
      return response
    },
  })
})
afterAll(async () => {
  server.destroy()
  await server.close()
  await jobs.stop(5000)
  await place[Symbol.asyncDispose]()
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) {
    list.push(item)
  }
  return list
}

describe('the client of the HTTP API', () => {
  it('gives what the library gives, up to the rounding of the service', async () => {
    const own = await place.detector.detect(COFFEE)
    const found = await client.detect(COFFEE, { altText: true })
    expect(found).toMatchObject({ image: own.image, model: { name: 'dogs' } })
    expect(found.altText).toMatch(/dog/)
    expect(found.detections).toHaveLength(3)
    for (const [i, { box, label, score }] of found.detections.entries()) {
      expect(label).toBe(own.detections[i]!.label)
      expect(score).toBeCloseTo(own.detections[i]!.score, 5)
      for (const edge of ['x1', 'y1', 'x2', 'y2'] as const) {
        expect(Math.abs(box[edge] - own.detections[i]!.box[edge])).toBeLessThanOrEqual(0.005)
      }
    }
  })
  it('takes pictures in all forms, one or several', async () => {
    const bytes = new Uint8Array(COFFEE)
    const forms = [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes)]
    for (const form of forms) {
      expect((await client.detect(form, { minScore: 0.7 })).detections).toHaveLength(1)
    }
    const several = await client.detect([bytes, new File([new Blob([bytes])], 'b.png')], {
      classes: ['dog'],
      slice: true,
      sliceSize: 400,
    })
    expect(several.map(({ source }) => source)).toEqual(['images[0]', 'b.png'])
    expect(several.map(({ image }) => image.width)).toEqual([600, 600])
    expect(await client.detect([])).toEqual([])
  })
  it('throws the faults of the service under their codes', async () => {
    const bad = new Blob(['no picture'])
    await expect(client.detect(bad)).rejects.toMatchObject({ code: 'IMAGE_FORMAT' })
    await expect(client.detect(COFFEE, { model: 'cats' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(client.detect('photo.jpg')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(client.detect('https://10.0.0.7/a.jpg')).rejects.toMatchObject({ code: 'URL_REFUSED' })
    await expect(client.jobs.get('nothing')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
    await expect(new BoxletClient('http://127.0.0.1:9').models()).rejects.toMatchObject({
      code: 'URL_FAILED',
    })
    expect(() => new BoxletClient('127.0.0.1')).toThrow('Expected the http or https address')
    const signal = AbortSignal.abort()
    await expect(client.detect(COFFEE, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
  it('submits jobs, waits for them, and reads and searches what was found', async () => {
    const tiny = await sharp(COFFEE).resize(64).png().toBuffer()
    const submitted = await client.jobs.submit([COFFEE, tiny, new Blob(['no picture'])], {
      batch: 'morning',
      key: 'once',
    })
    const again = await client.jobs.submit([COFFEE, tiny, new Blob(['no picture'])], {
      batch: 'morning',
      key: 'once',
    })
    expect(again.id).toBe(submitted.id)
    const job = await client.jobs.wait(submitted.id)
    expect(job).toMatchObject({ state: 'succeeded', counts: { total: 3, succeeded: 2, failed: 1 } })
    expect(job.summary.labels).toContainEqual({ label: 'dog', pictures: 2, objects: 4 })
    const pictures = await all(client.jobs.pictures(job.id))
    expect(pictures.map(({ n, result }) => [n, result?.image.width])).toEqual([
      [0, 600],
      [1, 64],
      [2, undefined],
    ])
    expect(pictures[0]!.result!.detections[0]!.box).toEqual({
      x1: expect.any(Number),
      y1: expect.any(Number),
      x2: expect.any(Number),
      y2: expect.any(Number),
    })
    expect(pictures[2]!.error).toMatchObject({ code: 'IMAGE_FORMAT' })
    const listed = await all(client.jobs.list({ batch: 'morning', state: ['succeeded'] }))
    expect(listed.map(({ id }) => id)).toEqual([job.id])
    const found = await all(client.search({ label: ['dog', 'cat'], minScore: 0.35, since: new Date(0) }))
    expect(found.map(({ job: id }) => id)).toEqual([job.id, job.id])
    expect(await all(client.search({ label: ['dog'], without: ['cat'] }))).toEqual([])
    await expect(client.jobs.cancel(job.id)).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
    expect((await client.jobs.retry(job.id)).id).toBe(job.id)
    await client.jobs.wait(job.id)
  })
  it('names the models', async () => {
    expect(await client.models()).toMatchObject([{ name: 'dogs', default: true, classes: 80 }])
  })
  it('asks what the API document names, and is answered as it says', () => {
    const used = new Set<string>()
    for (const { method, path, query, status, body } of asked) {
      const found = operations.find(
        (one) =>
          one.method === method.toLowerCase() &&
          new RegExp(`^${one.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
      )
      const {
        operationId,
        responses,
        parameters = [],
      } = found!.operation as NonNullable<typeof found>['operation'] & { parameters?: { name: string }[] }
      used.add(operationId)
      expect(parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(query))
      const { schema } = responses[status]!.content!['application/json']!
      expect(faultsBy(schema, body), `${method} ${path}`).toEqual([])
    }
    expect([...used].sort()).toEqual(
      [
        'cancelJob',
        'detect',
        'getJob',
        'listJobs',
        'listModels',
        'listPictures',
        'retryJob',
        'search',
        'submitJob',
      ].sort(),
    )
  })
  it('needs nothing of Node', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, '../src/client/index.ts')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      minify: true,
      write: false,
      logLevel: 'silent',
    })
    expect(outputFiles[0]!.text).not.toMatch(/node:|require\(|process\./)
  })
})
