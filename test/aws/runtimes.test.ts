import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LambdaHost, LambdaHostOptions } from '../../src/aws/emulator/lambda-host.ts'
import { functionUrl, httpApi, labelsOf, type Native, parse, streamed, type Whole } from './events.ts'
import { type Moto, startMoto } from './moto.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'
import { motoServer, runtimeClients } from './tools.ts'

const image = picture.toString('base64')
const sent = { body: image, isBase64Encoded: true }
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** AWS's own client and the small one here, on each Node that Lambda offers; without them, what is left out. */
const runtimes: [string, Partial<LambdaHostOptions>][] = runtimeClients?.nodes.flatMap(({ major, node }) => [
  [`AWS's own client on Node ${major}`, { node, runtimeClient: runtimeClients!.folder }],
  [`the small client on Node ${major}`, { node }],
]) ?? [["AWS's own client and the small one on Node 22 and 24", {}]]

describe.skipIf(!canRunPackage || runtimeClients === undefined)('the packaged function', () => {
  let packaged: Packaged
  let moto: Moto | undefined
  let s3: S3Client
  beforeAll(async () => {
    packaged = await packageFunction()
    if (motoServer === undefined) {
      return
    }
    moto = await startMoto(motoServer)
    s3 = new S3Client({ endpoint: moto.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'in/a b.jpg', Body: picture }))
  }, 240_000)
  afterAll(async () => {
    await packaged?.close()
    await moto?.stop()
  })

  describe.each(runtimes)('under %s', (_name, runtime) => {
    let whole: LambdaHost
    let streaming: LambdaHost
    beforeAll(async () => {
      const aws = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
      whole = await packaged.open({
        ...runtime,
        credentials: moto === undefined ? aws : { ...aws, AWS_ENDPOINT_URL: moto.endpoint },
      })
      streaming = await packaged.open({
        ...runtime,
        handler: 'index.streaming',
        environment: { BOXLET_CORS_ORIGINS: 'https://page.example' },
      })
    })
    afterAll(async () => {
      await whole?.close()
      await streaming?.close()
    })

    it('answers direct calls and API Gateway', async () => {
      expect(labelsOf(parse<Native>((await whole.invoke({ image })).payload))).toContain('bus')
      const answer = parse<Whole>((await whole.invoke(httpApi('POST', '/v1/detect', sent))).payload)
      expect(answer.statusCode).toBe(200)
      expect(labelsOf(JSON.parse(answer.body) as Native)).toContain('bus')
    })

    it('fails with code, sentence and hint, and goes on', async () => {
      const failed = await whole.invoke({ image: Buffer.from('no picture').toString('base64') })
      expect(failed.functionError).toBe('Unhandled')
      expect(parse(failed.payload)).toMatchObject({
        errorType: 'IMAGE_FORMAT',
        errorMessage: expect.stringMatching(/^Expected .+\. .+\.$/),
      })
      expect((await whole.invoke({ image })).functionError).toBeUndefined()
      expect(whole.environments).toBe(1)
    })

    it.skipIf(motoServer === undefined)('works on events of S3 and SQS', async () => {
      const record = { s3: { bucket: { name: 'bucket' }, object: { key: 'in/a+b.jpg' } } }
      const direct = { Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', ...record }] }
      expect((await whole.invoke(direct)).functionError).toBeUndefined()
      const queued = {
        Records: [
          { eventSource: 'aws:sqs', messageId: 'good', body: JSON.stringify({ Records: [record] }) },
          { eventSource: 'aws:sqs', messageId: 'bad', body: 'no json' },
        ],
      }
      expect(parse((await whole.invoke(queued)).payload)).toEqual({
        batchItemFailures: [{ itemIdentifier: 'bad' }],
      })
      const { Body } = await s3.send(
        new GetObjectCommand({ Bucket: 'bucket', Key: 'results/in/a b.jpg.json' }),
      )
      expect(labelsOf(JSON.parse(await Body!.transformToString()) as Native)).toContain('bus')
    })

    it('streams binary answers to a function URL', async () => {
      const event = functionUrl('POST', '/v1/detect', { headers: { accept: 'image/png' }, ...sent })
      const result = await streaming.invoke(event)
      expect(result.streamed).toBe(true)
      const { head, body } = streamed(result.payload)
      expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'image/png' } })
      expect(await sharp(body).metadata()).toMatchObject({ format: 'png', width: 810, height: 1080 })
    })

    it('streams the head of an answer without a body', async () => {
      const headers = { origin: 'https://page.example', 'access-control-request-method': 'POST' }
      const result = await streaming.invoke(functionUrl('OPTIONS', '/v1/detect', { headers }))
      expect(streamed(result.payload).head.statusCode).toBe(204)
    })

    it('answers API Gateway and direct callers whole where it could stream', async () => {
      const result = await streaming.invoke(httpApi('POST', '/v1/detect', sent))
      expect(result.contentType).toBe('application/json')
      const answer = parse<Whole>(result.payload)
      expect(answer.statusCode).toBe(200)
      expect(labelsOf(JSON.parse(answer.body) as Native)).toContain('bus')
      expect(labelsOf(parse<Native>((await streaming.invoke({ image })).payload))).toContain('bus')
      const failed = await streaming.invoke({ what: 'ever' })
      expect(failed.functionError).toBe('Unhandled')
    })
  })
})
