import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LambdaHost, type LambdaHostOptions } from '../../src/aws/host/lambda-host.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { buildPackage, writePackage } from '../../src/aws/package/build-package.ts'
import { corpusPath, hasCorpus } from '../corpus.ts'
import { runtimeClient } from './tools.ts'

const arch = hostArchitecture()
const picture = hasCorpus ? readFileSync(corpusPath('images/scenes/bus.jpg')) : Buffer.alloc(0)

interface Native {
  model: { name: string }
  images: { detections: { label: string; box: number[] }[] }[]
}

const url = (
  method: string,
  path: string,
  more: Record<string, unknown> = {},
  domain = 'x.lambda-url.eu-west-1.on.aws',
) => ({
  version: '2.0',
  rawPath: path,
  rawQueryString: '',
  headers: { host: domain, 'content-type': 'image/jpeg' },
  requestContext: { domainName: domain, stage: '$default', http: { method, path, sourceIp: '192.0.2.1' } },
  ...more,
})
const api = (method: string, path: string, more: Record<string, unknown> = {}) =>
  url(method, path, more, 'x.execute-api.eu-west-1.amazonaws.com')

/** Head and body of a streamed HTTP answer. */
function streamed(payload: Uint8Array): {
  head: { statusCode: number; headers: Record<string, string> }
  body: Buffer
} {
  const bytes = Buffer.from(payload)
  const at = bytes.indexOf(Buffer.alloc(8))
  return { head: JSON.parse(bytes.subarray(0, at).toString()), body: bytes.subarray(at + 8) }
}

const parse = <T>(payload: Uint8Array): T => JSON.parse(Buffer.from(payload).toString('utf8')) as T
const labels = ({ images }: Native): string[] => images[0]!.detections.map(({ label }) => label)

describe.skipIf(!hasCorpus || arch === undefined || process.platform !== 'linux')(
  'the packaged function',
  () => {
    let folder: string
    let zip: string
    const hosts: LambdaHost[] = []
    const open = async (options: Partial<LambdaHostOptions> = {}): Promise<LambdaHost> => {
      const host = await LambdaHost.open({ zip, memoryMb: 1024, ...options })
      hosts.push(host)
      return host
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'boxlet-function-'))
      const built = await buildPackage({
        arch: arch!,
        model: corpusPath('models/yolox-nano.onnx'),
        acceptedLicences: [],
        env: process.env,
        signal: new AbortController().signal,
      })
      zip = (await writePackage(built, folder))[0]!
    }, 240_000)
    afterAll(async () => {
      for (const host of hosts) await host.close()
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    })

    describe('answering whole', () => {
      let host: LambdaHost
      beforeAll(async () => {
        host = await open()
      })

      it('detects in a picture of a direct call', async () => {
        const result = await host.invoke({ image: picture.toString('base64') })
        const answer = parse<Native>(result.payload)
        expect(answer.model.name).toBe('yolox-nano')
        expect(labels(answer)).toContain('bus')
        const metrics = result.logs.filter((line) => line.includes('CloudWatchMetrics')).join()
        for (const name of ['InitTotal', 'InitSession', 'Requests', 'Run', 'Detections'])
          expect(metrics).toContain(`"${name}"`)
      })

      it('takes options with a picture', async () => {
        const result = await host.invoke({ image: picture.toString('base64'), minScore: 0.99 })
        expect(labels(parse<Native>(result.payload))).toEqual([])
      })

      it('takes a binary body through API Gateway and answers as it wants', async () => {
        const event = api('POST', '/v1/detect', { body: picture.toString('base64'), isBase64Encoded: true })
        const answer = parse<{
          statusCode: number
          body: string
          isBase64Encoded: boolean
          headers: Record<string, string>
        }>((await host.invoke(event)).payload)
        expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false })
        expect(answer.headers['content-type']).toContain('application/json')
        expect(labels(JSON.parse(answer.body) as Native)).toContain('bus')
      })

      it('gives an annotated picture as base64', async () => {
        const event = api('POST', '/v1/detect', {
          body: picture.toString('base64'),
          isBase64Encoded: true,
          headers: { host: 'x', 'content-type': 'image/jpeg', accept: 'image/jpeg' },
        })
        const answer = parse<{ body: string; isBase64Encoded: boolean }>((await host.invoke(event)).payload)
        expect(answer.isBase64Encoded).toBe(true)
        expect(await sharp(Buffer.from(answer.body, 'base64')).metadata()).toMatchObject({
          format: 'jpeg',
          width: 810,
        })
      })

      it('speaks to the clients of YOLambda and Rekognition', async () => {
        const image = picture.toString('base64')
        const yolambda = parse<{ detections: { box: number[]; conf: number }[] }>(
          (await host.invoke({ image, conf_thres: 0.3, iou_thres: 0.5 })).payload,
        )
        expect(yolambda.detections[0]?.box).toHaveLength(4)
        const rekognition = parse<{ Labels: { Name: string }[] }>(
          (await host.invoke({ Image: { Bytes: image } })).payload,
        )
        expect(rekognition.Labels.map(({ Name }) => Name)).toContain('Bus')
      })

      it('answers a wrong request with its error and goes on', async () => {
        const missing = parse<{ statusCode: number; body: string }>(
          (await host.invoke(api('GET', '/nowhere'))).payload,
        )
        expect(missing.statusCode).toBe(404)
        expect(JSON.parse(missing.body)).toMatchObject({ error: { code: 'NOT_FOUND' } })
        const broken = await host.invoke({ image: Buffer.from('not a picture').toString('base64') })
        expect(broken.functionError).toBe('Unhandled')
        expect(parse(broken.payload)).toMatchObject({ errorType: 'IMAGE_FORMAT' })
        const strange = await host.invoke({ what: 'ever' })
        expect(parse(strange.payload)).toMatchObject({
          errorMessage: expect.stringContaining('HTTP, S3, SQS or direct'),
        })
        expect(host.environments).toBe(1)
      })

      it('reads multipart forms', async () => {
        const form = new FormData()
        form.set('picture', new Blob([picture], { type: 'image/jpeg' }), 'bus.jpg')
        const encoded = new Response(form)
        const event = api('POST', '/v1/detect', {
          headers: { host: 'x', 'content-type': encoded.headers.get('content-type') },
          body: Buffer.from(await encoded.arrayBuffer()).toString('base64'),
          isBase64Encoded: true,
        })
        const answer = parse<{ statusCode: number; body: string }>((await host.invoke(event)).payload)
        expect(answer.statusCode).toBe(200)
        expect(labels(JSON.parse(answer.body) as Native)).toContain('bus')
      })
    })

    it('streams annotated pictures through a function URL', async () => {
      const host = await open({ handler: 'index.streaming' })
      const result = await host.invoke(
        url('POST', '/v1/detect', {
          headers: { host: 'x', 'content-type': 'image/jpeg', accept: 'image/png' },
          body: picture.toString('base64'),
          isBase64Encoded: true,
        }),
      )
      expect(result).toMatchObject({
        streamed: true,
        contentType: 'application/vnd.awslambda.http-integration-response',
      })
      const { head, body } = streamed(result.payload)
      expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'image/png' } })
      expect(await sharp(body).metadata()).toMatchObject({ format: 'png', width: 810, height: 1080 })
      const direct = await host.invoke({ image: picture.toString('base64') })
      expect(labels(parse<Native>(direct.payload))).toContain('bus')
    })

    it('sends its part of a sampled trace to X-Ray', async () => {
      const daemon = createSocket('udp4')
      const segments: string[] = []
      daemon.on('message', (message) => segments.push(message.toString()))
      await new Promise<void>((resolve) => daemon.bind(0, '127.0.0.1', resolve))
      const host = await open({
        credentials: { AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}` },
      })
      const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
      const result = await host.invoke({ image: picture.toString('base64') }, { traceId: trace })
      expect(result.functionError).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 100))
      daemon.close()
      expect(segments.join()).toContain('## POST /v1/detect')
    })

    it('refuses everyone while its keys cannot be read', async () => {
      const host = await open({
        environment: { BOXLET_AUTH: 'keys', BOXLET_KEYS_PARAMETER: '/boxlet/test/keys' },
        credentials: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' },
      })
      const event = api('POST', '/v1/detect', { body: picture.toString('base64'), isBase64Encoded: true })
      const answer = parse<{ statusCode: number }>((await host.invoke(event)).payload)
      expect(answer.statusCode).toBeGreaterThanOrEqual(500)
    })

    it.skipIf(runtimeClient === undefined)("runs under AWS's own runtime client", async () => {
      const host = await open({
        handler: 'index.streaming',
        runtimeClient: runtimeClient!.folder,
        node: runtimeClient!.node,
      })
      expect(host.config.nodeMajor).toBe(24)
      const event = url('POST', '/v1/detect', { body: picture.toString('base64'), isBase64Encoded: true })
      const { head, body } = streamed((await host.invoke(event)).payload)
      expect(head.statusCode).toBe(200)
      expect(labels(JSON.parse(body.toString()) as Native)).toContain('bus')
      const whole = await open({ runtimeClient: runtimeClient!.folder, node: runtimeClient!.node })
      const direct = await whole.invoke({ image: picture.toString('base64') })
      expect(labels(parse<Native>(direct.payload))).toContain('bus')
    })
  },
)
