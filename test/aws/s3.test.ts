import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3BlobStore } from '../../src/aws/clients/s3-blob-store.ts'
import type { LambdaHostOptions } from '../../src/aws/emulator/lambda-host.ts'
import { StoredBlobs } from '../../src/jobs/stored-blobs.ts'
import { resolveModel } from '../../src/store/store.ts'
import { blobStoreContract } from '../support/blob-store-contract.ts'
import { ownBlobsContract } from '../support/own-blobs-contract.ts'
import { streetModel } from '../support/street.ts'
import { parse } from './events.ts'
import { type Moto, startMoto } from './moto.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'
import { motoServer } from './tools.ts'

/** Larger than one range of a download; only where "boxlet model pull yolov8n" has put it. */
const yolov8n = await resolveModel('yolov8n', { env: { ...process.env, BOXLET_OFFLINE: '1' } }).catch(
  () => undefined,
)
const region = 'us-east-1'

describe.skipIf(motoServer === undefined)('S3 against moto', () => {
  let moto: Moto
  let s3: S3Client
  const outer = { ...process.env }

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
    })
    s3 = new S3Client({ endpoint: moto.endpoint, region, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  }, 60_000)
  afterAll(async () => {
    await moto?.stop()
    process.env = outer
  })

  describe('S3BlobStore as a blob store', () => {
    blobStoreContract(() => ({
      store: new S3BlobStore({ endpoint: moto.endpoint, region }),
      bucket: 'bucket',
    }))

    it('refuses buckets that are not configured', async () => {
      const store = new S3BlobStore({ endpoint: moto.endpoint, region, buckets: ['other'] })
      await expect(store.get({ bucket: 'bucket', key: 'a' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    })
  })

  describe('S3 as the place of the blobs of a store', () => {
    let stores = 0
    ownBlobsContract(
      async () =>
        new StoredBlobs(new S3BlobStore({ endpoint: moto.endpoint, region }), {
          bucket: 'bucket',
          prefix: `own-${stores++}/`,
        }),
    )
  })

  describe.skipIf(!canRunPackage)('the packaged function', () => {
    let packaged: Packaged
    const open = (environment: Record<string, string>, more: Partial<LambdaHostOptions> = {}) =>
      packaged.open({
        environment,
        credentials: {
          AWS_ENDPOINT_URL: moto.endpoint,
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        },
        ...more,
      })
    const put = (Key: string, Body: Uint8Array | string) =>
      s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body }))
    const result = async (key: string): Promise<Record<string, unknown>> => {
      const store = new S3BlobStore({ endpoint: moto.endpoint, region })
      return JSON.parse(Buffer.from(await store.get({ bucket: 'bucket', key })).toString('utf8'))
    }
    const s3Record = (key: string) => ({
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'bucket' }, object: { key } },
    })
    const message = (messageId: string, body: unknown) => ({
      eventSource: 'aws:sqs',
      messageId,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

    beforeAll(async () => {
      packaged = await packageFunction({ modelIn: 's3' })
      for (const { name, bytes } of packaged.built.model!.files) {
        await put(name, bytes)
      }
      await put('incoming/a b.jpg', picture)
      await put('incoming/second.jpg', picture)
      await put('incoming/broken.jpg', 'not a picture')
    }, 240_000)
    afterAll(() => packaged?.close())

    const model = { BOXLET_MODEL: 's3://bucket/model/manifest.json' }

    it('loads its model from S3, keeps it, and detects in objects that a call names', async () => {
      const host = await open(model)
      const first = await host.invoke({ s3: { bucket: 'bucket', key: 'incoming/second.jpg' } })
      expect(first.functionError).toBeUndefined()
      expect(JSON.stringify(parse(first.payload))).toContain('"person"')
      expect(first.logs.join()).toContain('"InitFetch"')
      expect(first.metrics.tmpBytes).toBeGreaterThanOrEqual(packaged.built.model!.manifest.bytes)
      expect(
        (await host.invoke({ s3: { bucket: 'bucket', key: 'incoming/second.jpg' } })).logs.join(),
      ).not.toContain('InitFetch')
    })

    it('refuses a model whose bytes are not those that were packaged', async () => {
      for (const { name, bytes } of packaged.built.model!.files) {
        await put(
          `changed/${name}`,
          name.endsWith('.onnx') ? Buffer.concat([bytes, Buffer.from('x')]) : bytes,
        )
      }
      const host = await open({ BOXLET_MODEL: 's3://bucket/changed/model/manifest.json' })
      expect(parse((await host.invoke({ image: 'AAAA' })).payload)).toMatchObject({
        errorType: 'DOWNLOAD_MISMATCH',
      })
    })

    it('takes any model file with its class map beside it', async () => {
      await put('raw/detector.onnx', readFileSync(streetModel()))
      const names = Object.fromEntries(Array.from({ length: 80 }, (_, id) => [`thing ${id}`, id]))
      await put('raw/class_map.json', JSON.stringify(names))
      const host = await open({ BOXLET_MODEL: 's3://bucket/raw/detector.onnx' })
      const answer = parse(
        (await host.invoke({ s3: { bucket: 'bucket', key: 'incoming/second.jpg' } })).payload,
      )
      expect(JSON.stringify(answer)).toContain('"thing 5"')
    })

    it('refuses such a file when it has not the hash that it has to have', async () => {
      const BOXLET_MODEL = 's3://bucket/raw/detector.onnx'
      const right = createHash('sha256').update(readFileSync(streetModel())).digest('hex')
      const wrong = await open({ BOXLET_MODEL, BOXLET_MODEL_SHA256: '0'.repeat(64) })
      const call = { image: picture.toString('base64') }
      expect(parse((await wrong.invoke(call)).payload)).toMatchObject({ errorType: 'DOWNLOAD_MISMATCH' })
      const host = await open({ BOXLET_MODEL, BOXLET_MODEL_SHA256: right })
      expect((await host.invoke(call)).functionError).toBeUndefined()
    })

    it.skipIf(yolov8n === undefined)('loads a model of several ranges', async () => {
      const bytes = readFileSync(yolov8n!.path)
      await put('large/yolov8n.onnx', bytes)
      const host = await open({
        BOXLET_MODEL: 's3://bucket/large/yolov8n.onnx',
        BOXLET_MODEL_SHA256: createHash('sha256').update(bytes).digest('hex'),
      })
      const result = await host.invoke({ image: picture.toString('base64') })
      expect(Buffer.from(result.payload).toString()).toContain('"person"')
      expect(result.metrics.tmpBytes).toBe(bytes.length)
    })

    it('writes results of an S3 event under another prefix', async () => {
      const host = await open(model)
      const answer = await host.invoke({ Records: [s3Record('incoming/a+b.jpg')] })
      expect(answer.functionError).toBeUndefined()
      expect(await result('results/incoming/a b.jpg.json')).toMatchObject({
        model: { name: 'street' },
        images: [{ source: 's3://bucket/incoming/a b.jpg', width: 810, height: 1080 }],
      })
    })

    it('does not work on its own results', async () => {
      const host = await open(model)
      await host.invoke({ Records: [s3Record('results/incoming/second.jpg.json')] })
      const { Contents = [] } = await s3.send(
        new ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'results/results/' }),
      )
      expect(Contents).toEqual([])
    })

    it('gives back only the messages that another try may mend', async () => {
      const host = await open(model)
      const answer = await host.invoke({
        Records: [
          message('good', { Records: [s3Record('incoming/second.jpg')] }),
          message('broken', { s3: { bucket: 'bucket', key: 'incoming/broken.jpg' } }),
          message('gone', { s3: { bucket: 'bucket', key: 'incoming/gone.jpg' } }),
          message('test', { Service: 'Amazon S3', Event: 's3:TestEvent' }),
          message('unreadable', 'no json'),
          message('bridge', {
            source: 'aws.s3',
            detail: { bucket: { name: 'bucket' }, object: { key: 'incoming/a b.jpg' } },
          }),
        ],
      })
      expect(parse(answer.payload)).toEqual({ batchItemFailures: [{ itemIdentifier: 'unreadable' }] })
      expect(await result('results/incoming/broken.jpg.json')).toMatchObject({
        images: [{ error: { code: 'IMAGE_FORMAT' } }],
      })
      expect(await result('results/incoming/gone.jpg.json')).toMatchObject({
        images: [{ error: { code: 'IMAGE_NOT_FOUND' } }],
      })
    })
  })
})
