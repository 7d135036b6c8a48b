import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DetectModerationLabelsCommand,
  GetMediaAnalysisJobCommand,
  ListMediaAnalysisJobsCommand,
  RekognitionClient,
  StartMediaAnalysisJobCommand,
} from '@aws-sdk/client-rekognition'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/api/app.ts'
import { parsePolicy } from '../../src/jobs/rules.ts'
import { FileBlobStore } from '../../src/local/file-blob-store.ts'
import { openHome } from '../../src/local/home.ts'
import { listen, type RunningServer } from '../../src/server/http-server.ts'
import { type RunningJobs, startJobs } from '../../src/server/jobs.ts'
import { singleDetector } from '../support/app.ts'
import { type JobsPlace, jobsPlace, jpeg } from '../support/jobs.ts'

const POLICY =
  'deny: [{label: dog, minScore: 0.6, name: Beast, category: Animals}]\nreview: [{label: cat, minScore: 0.3}]'

describe('clients of other services', () => {
  let place: JobsPlace
  let jobs: RunningJobs
  let server: RunningServer
  let client: RekognitionClient
  let blobs: string
  beforeAll(async () => {
    place = await jobsPlace()
    blobs = join(place.folder, 'blobs')
    await mkdir(join(blobs, 'photos'), { recursive: true })
    await writeFile(join(blobs, 'photos', 'a.jpg'), await jpeg(60))
    const lines = ['{"source-ref":"s3://photos/a.jpg"}', '{"source-ref":"s3://photos/none.jpg"}', 'nonsense']
    await writeFile(join(blobs, 'photos', 'list.jsonl'), `${lines.join('\n')}\n`)
    const blobStore = new FileBlobStore(blobs)
    const policy = parsePolicy(POLICY)
    jobs = await startJobs({
      open: () => openHome(join(place.folder, 'older-store')),
      detectors: { defaultName: 'dogs', get: async () => place.detector },
      concurrency: 1,
      blobStore,
      urls: 'https',
      maxBytes: 2 ** 20,
      fetchMs: 1000,
      policy,
      onNotice: () => {},
    })
    const detectors = singleDetector(place.detector, place.detector, 'dogs')
    server = await listen(createApp({ detectors, blobStore, policy, jobs: jobs.offer }), {
      host: '127.0.0.1',
      port: 0,
    })
    client = new RekognitionClient({
      endpoint: server.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      maxAttempts: 1,
    })
  })
  afterAll(async () => {
    client.destroy()
    server.destroy()
    await server.close()
    await jobs.stop(1000)
    await place[Symbol.asyncDispose]()
  })

  const request = (parts: object = {}) => ({
    JobName: 'moderate',
    OperationsConfig: { DetectModerationLabels: { MinConfidence: 50 } },
    Input: { S3Object: { Bucket: 'photos', Name: 'list.jsonl' } },
    OutputConfig: { S3Bucket: 'results', S3KeyPrefix: 'media/' },
    ...parts,
  })
  const ended = async (JobId: string) => {
    for (;;) {
      const job = await client.send(new GetMediaAnalysisJobCommand({ JobId }))
      if (job.Status === 'SUCCEEDED' || job.Status === 'FAILED') {
        return job
      }
      await sleep(50)
    }
  }
  const read = async (at: { Bucket?: string | undefined; Name?: string | undefined } | undefined) =>
    (await readFile(join(blobs, at!.Bucket!, at!.Name!))).toString()

  it('get moderation labels from the policy', async () => {
    const bytes = new Uint8Array(
      await (await import('sharp'))
        .default(await jpeg())
        .resize(200, 200)
        .jpeg()
        .toBuffer(),
    )
    const answer = await client.send(
      new DetectModerationLabelsCommand({ Image: { Bytes: bytes }, MinConfidence: 60 }),
    )
    expect(answer.ModerationLabels).toEqual([
      { Name: 'Animals', ParentName: '', Confidence: 72, TaxonomyLevel: 1 },
      { Name: 'Beast', ParentName: 'Animals', Confidence: 72, TaxonomyLevel: 2 },
    ])
  })

  it("run Amazon's media analysis jobs, with results and a summary in their bucket", async () => {
    const { JobId } = await client.send(
      new StartMediaAnalysisJobCommand(request({ ClientRequestToken: 'token-1' })),
    )
    const job = await ended(JobId!)
    expect(job).toMatchObject({
      JobId,
      JobName: 'moderate',
      Status: 'SUCCEEDED',
      OperationsConfig: { DetectModerationLabels: { MinConfidence: 50 } },
      Input: { S3Object: { Bucket: 'photos', Name: 'list.jsonl' } },
      OutputConfig: { S3Bucket: 'results', S3KeyPrefix: 'media/' },
      Results: { S3Object: { Bucket: 'results', Name: `media/${JobId}/results.jsonl` } },
    })
    expect(job.CreationTimestamp!.getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(JSON.parse(await read(job.Results!.S3Object))).toEqual({
      'source-ref': 's3://photos/a.jpg',
      'detect-moderation-labels': {
        ModerationLabels: [
          { Name: 'Animals', ParentName: '', Confidence: 72, TaxonomyLevel: 1 },
          { Name: 'Beast', ParentName: 'Animals', Confidence: 72, TaxonomyLevel: 2 },
        ],
        ModerationModelVersion: 'boxlet-policy',
        ContentTypes: [],
      },
    })
    expect(JSON.parse(await read(job.ManifestSummary!.S3Object))).toMatchObject({
      version: '1.0',
      statistics: { 'total-json-lines': 3, 'valid-json-lines': 2, 'invalid-json-lines': 1 },
      errors: [
        { 'line-numer': 2, 'source-ref': 's3://photos/none.jpg', code: 'IMAGE_NOT_FOUND' },
        { 'line-numer': 3, code: 'MANIFEST_INVALID' },
      ],
    })
    const again = await client.send(
      new StartMediaAnalysisJobCommand(request({ ClientRequestToken: 'token-1' })),
    )
    expect(again.JobId).toBe(JobId)
    await expect(
      client.send(
        new StartMediaAnalysisJobCommand(request({ ClientRequestToken: 'token-1', JobName: 'other' })),
      ),
    ).rejects.toMatchObject({ name: 'IdempotentParameterMismatchException' })
  })

  it('list them page by page, and hear of what is wrong by the names that they know', async () => {
    const ids = []
    for (let i = 0; i < 3; i++) {
      ids.unshift((await client.send(new StartMediaAnalysisJobCommand(request()))).JobId)
    }
    const first = await client.send(new ListMediaAnalysisJobsCommand({ MaxResults: 2 }))
    const second = await client.send(
      new ListMediaAnalysisJobsCommand({ MaxResults: 1, NextToken: first.NextToken }),
    )
    expect([...first.MediaAnalysisJobs!, ...second.MediaAnalysisJobs!].map(({ JobId }) => JobId)).toEqual(ids)
    const missing = { Input: { S3Object: { Bucket: 'photos', Name: 'nothing.jsonl' } } }
    for (const [command, name] of [
      [new GetMediaAnalysisJobCommand({ JobId: 'nothing' }), 'ResourceNotFoundException'],
      [new ListMediaAnalysisJobsCommand({ NextToken: 'x' }), 'InvalidPaginationTokenException'],
      [new StartMediaAnalysisJobCommand(request(missing)), 'InvalidS3ObjectException'],
      [new StartMediaAnalysisJobCommand(request({ OperationsConfig: {} })), 'InvalidParameterException'],
    ] as const) {
      await expect(client.send(command as never)).rejects.toMatchObject({ name })
    }
  })

  it('may ask media analysis jobs for labels and custom labels, which Amazon did not offer', async () => {
    const operations = {
      DetectLabels: { MinConfidence: 70 },
      DetectCustomLabels: {
        ProjectVersionArn: 'arn:aws:rekognition:eu-west-1:1:project/dogs/version/v1/1700000000000',
        MinConfidence: 30,
      },
    }
    const answer = await fetch(server.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'RekognitionService.StartMediaAnalysisJob' },
      body: JSON.stringify(request({ OperationsConfig: operations })),
    })
    const { JobId } = (await answer.json()) as { JobId: string }
    const job = await ended(JobId)
    const line = JSON.parse(await read(job.Results!.S3Object))
    expect(line['detect-labels'].Labels[0]).toMatchObject({ Name: 'Dog', Confidence: expect.closeTo(72, 1) })
    expect(line['detect-custom-labels'].CustomLabels.map(({ Name }: { Name: string }) => Name)).toEqual([
      'dog',
      'dog',
      'cat',
    ])
  })

  const post = async (path: string, image: Uint8Array) => {
    const answer = await fetch(`${server.url}${path}`, {
      method: 'POST',
      body: JSON.stringify({ image: Buffer.from(image).toString('base64') }),
    })
    return { status: answer.status, body: (await answer.json()) as never }
  }

  it('of the TFLite handler get the raw outputs for the raw bytes of the model size', async () => {
    const { body } = await post('/tflite-lambda', new Uint8Array(320 * 320 * 3).fill(90))
    const { prediction } = body as { prediction: number[][][] }
    expect([prediction.length, prediction[0]!.length, prediction[0]![0]!.length]).toEqual([1, 6300, 85])
    expect(prediction[0]![7]!.slice(0, 4)).toEqual([160, 160, 100, 50])
    const wrong = await post('/tflite-lambda', new Uint8Array(64 * 64 * 3))
    expect(wrong).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining('307200') } },
    })
  })

  it('of the SQS handler get the id of a message, and by it what was found', async () => {
    for (const image of [new Uint8Array(320 * 320 * 3).fill(90), await jpeg(70)]) {
      const { status, body } = await post('/tflite-sqs', image)
      expect([status, body]).toEqual([202, { message_id: expect.any(String), status: 'processing' }])
      const { message_id: id } = body as { message_id: string }
      let answer: { status: string; prediction?: { label: string }[] }
      do {
        await sleep(50)
        answer = (await (await fetch(`${server.url}/tflite-sqs/${id}`)).json()) as typeof answer
      } while (answer.status === 'processing')
      expect(answer).toMatchObject({ status: 'done', message_id: id })
      expect(answer.prediction!.map(({ label }) => label)).toEqual(['dog', 'dog', 'cat'])
    }
    expect((await fetch(`${server.url}/tflite-sqs/nothing`)).status).toBe(404)
  })
})
