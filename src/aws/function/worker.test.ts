import { describe, expect, it } from 'vitest'
import type { DetectorLike } from '../../detector/types.ts'
import type { BlobRef } from '../../jobs/blob-store.ts'
import { sourceOf } from './sources/sources.ts'
import { type WorkerOptions, work, workerSettings } from './worker.ts'

interface BatchResponse {
  batchItemFailures: { itemIdentifier: string }[]
}

const message = (messageId: string, key: string, bucket = 'b') => ({
  eventSource: 'aws:sqs',
  messageId,
  body: JSON.stringify({ s3: { bucket, key } }),
})
const queue = (...keys: string[]) => ({ Records: keys.map((key) => message(key, key)) })
const bridge = (key: string) => ({ source: 'aws.s3', detail: { bucket: { name: 'b' }, object: { key } } })
const never = new Promise<never>(() => {})

/** Detects at once, but hangs in the picture of the key `hang` whatever its signal says. */
function worker(changes: Partial<WorkerOptions> = {}, leftMs = 60_000) {
  const written: string[] = []
  const failed: string[] = []
  const end = Date.now() + leftMs
  const detect = async (bytes: Uint8Array) => {
    if (Buffer.from(bytes).toString() === 'hang') {
      return never
    }
    const timings = { decode: 0, prepare: 0, run: 0, boxes: 0, total: 0 }
    return { image: { width: 1, height: 1 }, detections: [], timings }
  }
  const contract = { labels: [] }
  const options: WorkerOptions = {
    detector: async () => ({ model: { name: 'm', contract }, detect }) as unknown as DetectorLike,
    blobs: {
      get: async ({ key }: BlobRef) => Buffer.from(key),
      put: async ({ bucket, key }: BlobRef) => void written.push(`${bucket}/${key}`),
    },
    ...workerSettings({}),
    remainingMs: () => end - Date.now(),
    measured: () => {},
    failed: (_message, error) => void failed.push(error.code),
    ...changes,
  }
  return {
    written,
    failed,
    leftMs: () => end - Date.now(),
    run: (event: unknown, source = sourceOf(event)!) => work(event, source, options),
  }
}

describe('a batch', () => {
  it('tries again what the network broke, and throws where there is no queue', async () => {
    const broken = { detector: async () => Promise.reject(new Error('away')) }
    expect(await worker(broken).run(queue('m'))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] })
    await expect(worker(broken).run(bridge('k'))).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  it('gives back a picture that hangs, does the others, and ends before Lambda ends it', async () => {
    const { run, written, failed, leftMs } = worker({}, 3000)
    expect(await run(queue('hang', 'a', 'c'))).toEqual({ batchItemFailures: [{ itemIdentifier: 'hang' }] })
    expect(written).toEqual(['b/results/a.json', 'b/results/c.json'])
    expect(failed).toEqual(['TIMEOUT'])
    expect(leftMs()).toBeGreaterThan(500)
  })

  it('gives back what it did not get to', async () => {
    const { run, written, leftMs } = worker({}, 2000)
    expect(await run(queue('a', 'hang', 'hang', 'hang'))).toMatchObject({
      batchItemFailures: [{ itemIdentifier: 'hang' }],
    })
    expect(written).toEqual(['b/results/a.json'])
    expect(leftMs()).toBeGreaterThan(500)
  })

  it('gives back what would not fit into the time that is left, and at once', async () => {
    const given: string[] = []
    const slow = {
      get: async () => {
        await new Promise((resolve) => setTimeout(resolve, 900))
        return Buffer.from('a')
      },
      put: async () => {},
    }
    const event = queue('a', 'b', 'c', 'd')
    const source = {
      ...sourceOf(event)!,
      soon: async (_event: unknown, ids: ReadonlySet<string>) => void given.push(...ids),
    }
    const answer = (await worker({ blobs: slow }, 4200).run(event, source)) as BatchResponse
    const again = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
    expect(again).toEqual(expect.arrayContaining(given))
    expect(given).toContain('d')
    expect(again).not.toContain('a')
  })

  it('gives up reading and writing that hang', async () => {
    for (const blobs of [
      { get: () => never, put: async () => {} },
      { get: async () => Buffer.from('a'), put: () => never },
    ]) {
      const { run, leftMs } = worker({ blobs }, 1500)
      expect(await run(queue('a'))).toEqual({ batchItemFailures: [{ itemIdentifier: 'a' }] })
      expect(leftMs()).toBeGreaterThan(500)
    }
  })

  it('reports a lone picture that hangs as an error, so that S3 sends it again', async () => {
    await expect(worker({}, 1200).run(bridge('hang'))).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})

describe('results', () => {
  it('are not taken for pictures, where they lie and nowhere else', async () => {
    const same = worker()
    await same.run(queue('results/a.json', 'b'))
    expect(same.written).toEqual(['b/results/b.json'])
    const apart = worker({ resultBucket: 'other' })
    await apart.run(queue('results/a.jpg'))
    expect(apart.written).toEqual(['other/results/results/a.jpg.json'])
    await apart.run({ Records: [message('m', 'results/results/a.jpg.json', 'other')] })
    expect(apart.written).toHaveLength(1)
  })

  it('are not written beside pictures without a prefix, which would trigger for ever', async () => {
    expect(() => workerSettings({ BOXLET_RESULT_PREFIX: '' })).toThrow('neither')
    const settings = workerSettings({ BOXLET_RESULT_PREFIX: '', BOXLET_RESULT_BUCKET: 'b' })
    const { run, written, failed } = worker(settings)
    const event = { Records: [message('same', 'a'), message('apart', 'a', 'pictures')] }
    expect(await run(event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'same' }] })
    expect(failed).toEqual(['CONFIG_INVALID'])
    expect(written).toEqual(['b/a.json'])
  })
})
