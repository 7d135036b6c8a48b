import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { Detector, type DetectorPool } from '../index.ts'

const COFFEE = join(import.meta.dirname, '../../examples/pictures/coffee.png')
let folder: string
let model: string
let bytes: Uint8Array
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-pool-'))
  model = join(folder, 'pets.onnx')
  await writeFile(
    model,
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values: yolov8Head([[32, 32, 20, 16, 0.9, 0.1]], 84, 6) }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  )
  bytes = new Uint8Array(await readFile(COFFEE))
})
afterAll(() => rm(folder, { recursive: true }))

const pools: DetectorPool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})
async function open(options: Parameters<typeof Detector.pool>[1] = {}): Promise<DetectorPool> {
  const pool = await Detector.pool(model, { workers: 2, ...options })
  pools.push(pool)
  return pool
}

describe('Detector.pool', () => {
  it('finds what a detector finds, on all workers', async () => {
    const pool = await open()
    await using detector = await Detector.load(model)
    const alone = await detector.detect(bytes)
    const all = await Promise.all(Array.from({ length: 8 }, () => pool.detect(bytes)))
    for (const { detections, image } of all) {
      expect({ detections, image }).toEqual({ detections: alone.detections, image: alone.image })
    }
    expect(pool.model).toEqual(detector.model)
    expect(pool.stats).toEqual({ workers: 2, busy: 0, queued: 0 })
  })

  it('keeps bytes that the caller goes on to use, and takes those that are given away', async () => {
    const pool = await open()
    const kept = bytes.slice()
    await pool.detect(kept)
    expect(kept).toEqual(bytes)
    await pool.detect(kept, { consume: true })
    expect(kept.length).toBe(0)
  })

  it('rejects one bad picture with its error, and goes on', async () => {
    const pool = await open()
    await expect(pool.detect(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'IMAGE_FORMAT' })
    await expect(pool.detect(bytes, { minScore: 2 })).rejects.toMatchObject({ code: 'USAGE' })
    expect((await pool.detect(bytes)).detections).toHaveLength(1)
  })

  it('refuses pictures beyond its queue', async () => {
    const pool = await open({ workers: 1, queue: 1 })
    const calls = await Promise.allSettled(Array.from({ length: 8 }, () => pool.detect(bytes)))
    const refused = calls.filter((call) => call.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'OVERLOADED' })
    }
  })

  it.each([
    [{ workers: 0 }, 'workers'],
    [{ workers: 1.5 }, 'workers'],
    [{ queue: -1 }, 'queue'],
    [{ hangMs: Number.NaN }, 'hangMs'],
    [{ imports: ['./family.js'] }, 'imports'],
    [{ colour: 'red' } as object, 'colour'],
  ])('refuses %j', async (options, named) => {
    await expect(Detector.pool(model, options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(named),
    })
  })

  it('rejects when the model does not load, and leaves no thread behind', async () => {
    const broken = join(folder, 'broken.onnx')
    await writeFile(broken, 'no model')
    await expect(Detector.pool(broken)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' })
    await expect(Detector.pool(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  it('imports what registers a family in each worker', async () => {
    const family = join(folder, 'family.mjs')
    const library = new URL('../../dist/index.js', import.meta.url).href
    await writeFile(
      family,
      `import { familyNamed, registerFamily } from ${JSON.stringify(library)}
       registerFamily({ ...familyNamed('yolov8'), name: 'mine' })`,
    )
    const pool = await open({ imports: [family], contract: { family: 'mine' } })
    expect(pool.model.family).toBe('mine')
    expect((await pool.detect(bytes)).detections).toHaveLength(1)
  })
})

describe('a call that is cancelled', () => {
  it('rejects at once, whether it waits or runs, and its worker is free for the next one', async () => {
    const pool = await open({ workers: 1 })
    const control = new AbortController()
    const calls = Array.from({ length: 6 }, () => pool.detect(bytes, { signal: control.signal, slice: true }))
    control.abort(new Error('of the caller'))
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } })
    }
    expect(pool.stats.queued).toBe(0)
    expect((await pool.detect(bytes)).detections).toHaveLength(1)
    await expect.poll(() => pool.stats.busy).toBe(0)
  })
  it('is refused before it begins where the signal is aborted already', async () => {
    const pool = await open()
    await expect(pool.detect(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
  it('may be the opening of the pool', async () => {
    await expect(Detector.pool(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    const control = new AbortController()
    const opening = Detector.pool(model, { workers: 2, signal: control.signal })
    control.abort()
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('a worker that ends', () => {
  it('takes its own calls with it and is replaced', async () => {
    const family = join(folder, 'ends.mjs')
    // Ends the thread as an abort of its own code would, at the first picture of this worker.
    await writeFile(
      family,
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ options }) => { if (options?.minScore === 0.123) process.exit(1) })`,
    )
    const pool = await open({ imports: [family] })
    await expect(pool.detect(bytes, { minScore: 0.123 })).rejects.toMatchObject({ code: 'INTERNAL' })
    expect((await pool.detect(bytes)).detections).toHaveLength(1)
    await expect.poll(() => pool.stats.workers, { timeout: 20_000 }).toBe(2)
  })
  it('is not replaced for ever, and then calls are told instead of kept waiting', async () => {
    const family = join(folder, 'ends-always.mjs')
    await writeFile(
      family,
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ kind }) => { if (kind === 'detect') process.exit(1) })`,
    )
    const pool = await open({ workers: 1, imports: [family] })
    let calls = 0
    await expect
      .poll(
        async () => {
          calls++
          return pool.detect(bytes).catch(({ message }: Error) => message)
        },
        { timeout: 60_000 },
      )
      .toContain('all of them ended')
    expect(calls).toBeGreaterThan(5)
    await expect(pool.detect(bytes)).rejects.toMatchObject({ code: 'INTERNAL' })
  })
})

describe('a worker that hangs', () => {
  it('is told to its caller, and another takes its place', async () => {
    const family = join(folder, 'hangs.mjs')
    await writeFile(
      family,
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ options }) => {
         if (options?.minScore === 0.123) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
       })`,
    )
    const notices: string[] = []
    const pool = await open({
      workers: 1,
      hangMs: 800,
      imports: [family],
      onNotice: (line) => notices.push(line),
    })
    await expect(pool.detect(bytes, { minScore: 0.123 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('hangs'),
    })
    expect((await pool.detect(bytes)).detections).toHaveLength(1)
    expect(notices).toEqual(['A worker hangs in a picture; it takes no more work and is replaced.'])
  })
})

describe('a pool that is closed', () => {
  it('rejects what is not answered yet and what comes later', async () => {
    const pool = await open()
    const calls = Array.from({ length: 6 }, () => pool.detect(bytes))
    const settled = Promise.allSettled(calls)
    expect(await pool.close()).toBe(true)
    for (const call of await settled) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'DISPOSED' } })
    }
    await expect(pool.detect(bytes)).rejects.toMatchObject({ code: 'DISPOSED' })
    expect(await pool.close()).toBe(true)
  })
})
