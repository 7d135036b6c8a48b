import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../src/cli/main.ts'
import { openDataset } from '../src/datasets/open.ts'
import { openEndpoint } from '../src/evaluate/endpoint-subject.ts'
import { mapLabels, toPredictions } from '../src/evaluate/label-map.ts'
import { openRekognition } from '../src/evaluate/rekognition-subject.ts'
import { runDataset } from '../src/evaluate/run-dataset.ts'
import { corpusBytes, corpusPath, hasCorpus } from './support/corpus.ts'
import { startTestService, type TestService } from './support/service.ts'

/** The real service on a loopback port, asked as a deployed one, and as Rekognition by the real SDK. */
describe.skipIf(!hasCorpus)('evaluating over the network', () => {
  let service: TestService
  let folder: string
  const saved = { ...process.env }
  beforeAll(async () => {
    service = await startTestService({}, 'yolox-nano', corpusPath('models/yolox-nano.onnx'))
    folder = await mkdtemp(join(tmpdir(), 'boxlet-remote-'))
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
    })
  })
  afterAll(async () => {
    process.env = saved
    await service?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = async (args: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    stdout.on('data', (part: Buffer) => out.push(part))
    stderr.on('data', (part: Buffer) => err.push(part))
    const code = await main(args, {
      stdout,
      stderr,
      stdin: Readable.from([]),
      env: { ...process.env, BOXLET_CACHE: folder },
      signal: new AbortController().signal,
    })
    return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
  }

  it('finds over --endpoint what the model finds here', async () => {
    const model = corpusPath('models/yolox-nano.onnx')
    const args = [
      'eval',
      model,
      '--endpoint',
      service.url,
      '--data',
      corpusPath('coco'),
      '--limit',
      '12',
      '--jobs',
      '1',
    ]
    const { code, out, err } = await run([...args, '--format', 'json'])
    expect(err).toBe('')
    expect(code).toBe(0)
    const { comparison, reports } = JSON.parse(out)
    expect(reports[1].subject.kind).toBe('endpoint')
    expect(Math.abs(comparison.interval.difference)).toBeLessThan(1e-3)
    expect(comparison.agreement.f1).toBeGreaterThan(0.99)
  })

  it('gives a picture that the service cannot read the code of a local run', async () => {
    const subject = openEndpoint({ url: service.url })
    await expect(subject.detect(corpusBytes('images/broken/text-named.jpg'), {})).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGE_/),
    })
  })

  it('says what is wrong with an address', async () => {
    expect(() => openEndpoint({ url: 'ftp://x' })).toThrow(/http or https/)
    expect(() => openEndpoint({ url: 'nothing' })).toThrow(/http or https/)
  })

  it('measures Rekognition through the SDK, and tells cost and latency', async () => {
    const dataset = await openDataset(corpusPath('coco'))
    const some = { ...dataset, images: dataset.images.slice(0, 6) }
    await using subject = await openRekognition({ endpoint: service.url, region: 'us-east-1' })
    const { results } = await runDataset(some, subject, {
      detect: { minScore: 0.1 },
      labels: [],
      inFlight: 2,
    })
    expect(results).toHaveLength(6)
    const labels = [...new Set(results.flatMap((result) => result.detections.map((found) => found.label)))]
    expect(labels).toContain('Person')
    const predictions = toPredictions(results, mapLabels(labels, dataset.categories))
    expect(predictions.length).toBeGreaterThan(10)
    const person = dataset.annotations.filter(
      ({ imageId, categoryId }) => imageId === some.images[0]!.id && categoryId === 1,
    )
    const found = predictions.filter(
      ({ imageId, categoryId }) => imageId === some.images[0]!.id && categoryId === 1,
    )
    const near = person.filter(({ box }) =>
      found.some((other) => Math.abs(other.box.x - box.x) < 15 && Math.abs(other.box.y - box.y) < 15),
    )
    expect(near.length).toBeGreaterThan(0)
  })

  it('compares with Rekognition from the command line', async () => {
    process.env.AWS_ENDPOINT_URL_REKOGNITION = service.url
    const args = [
      'diff',
      corpusPath('models/yolox-nano.onnx'),
      '--rekognition',
      '--images',
      corpusPath('images/scenes'),
    ]
    const { code, out } = await run([...args, '--min-score', '0.5', '--jobs', '1'])
    expect(code).toBe(0)
    expect(out).toMatch(/switching saves 99\.\d %/)
    expect(out).toMatch(/found by both/)
  })
})
