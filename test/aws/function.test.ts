import { createSocket } from 'node:dgram'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LambdaHost } from '../../src/aws/emulator/lambda-host.ts'
import {
  functionUrl,
  httpApi,
  labelsOf,
  loadBalancer,
  type Native,
  parse,
  restApi,
  streamed,
  type Whole,
} from './events.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from './packaged.ts'

const sent = { body: picture.toString('base64'), isBase64Encoded: true }

describe.skipIf(!canRunPackage)('the packaged function', () => {
  let packaged: Packaged
  beforeAll(async () => {
    packaged = await packageFunction()
  }, 240_000)
  afterAll(() => packaged?.close())

  describe('answering whole', () => {
    let host: LambdaHost
    beforeAll(async () => {
      host = await packaged.open({ memoryMb: 1769 })
    })
    const whole = async (event: unknown) => parse<Whole>((await host.invoke(event)).payload)

    it('detects in a picture of a direct call', async () => {
      const result = await host.invoke({ image: picture.toString('base64') })
      const answer = parse<Native>(result.payload)
      expect(answer.model.name).toBe('street')
      expect(labelsOf(answer)).toContain('bus')
      const metrics = result.logs.filter((line) => line.includes('CloudWatchMetrics')).join()
      for (const name of ['InitTotal', 'InitSession', 'Requests', 'Run', 'Detections']) {
        expect(metrics).toContain(`"${name}"`)
      }
    })

    it('takes options with a picture', async () => {
      const result = await host.invoke({ image: picture.toString('base64'), minScore: 0.99 })
      expect(labelsOf(parse<Native>(result.payload))).toEqual([])
    })

    it.each([
      ['a function URL', functionUrl],
      ['an HTTP API', httpApi],
      ['a REST API', restApi],
    ])('takes a binary body through %s and answers as it wants', async (_name, make) => {
      const headers = { 'content-type': 'image/jpeg' }
      const answer = await whole(make('POST', '/v1/detect', { headers, ...sent }))
      expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false })
      expect(answer.headers['content-type']).toContain('application/json')
      expect(labelsOf(JSON.parse(answer.body) as Native)).toContain('bus')
    })

    it('gives an annotated picture as base64', async () => {
      const answer = await whole(
        httpApi('POST', '/v1/detect', { headers: { accept: 'image/jpeg' }, ...sent }),
      )
      expect(answer.isBase64Encoded).toBe(true)
      expect(await sharp(Buffer.from(answer.body, 'base64')).metadata()).toMatchObject({
        format: 'jpeg',
        width: 810,
      })
    })

    it('delivers answers up to what Lambda takes, and says so beyond', async () => {
      const answer = async (height: number) => {
        const pixels = Buffer.alloc(1000 * height * 3)
        for (let at = 0, seed = 1; at < pixels.length; at++) {
          seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
          pixels[at] = seed >> 16
        }
        const raw = { width: 1000, height, channels: 3 as const }
        const body = (await sharp(pixels, { raw }).jpeg({ quality: 60 }).toBuffer()).toString('base64')
        const headers = { accept: 'image/png' }
        // Without a box, whose share of the bytes would not grow with the rows.
        const event = httpApi('POST', '/v1/detect', { headers, body, isBase64Encoded: true })
        return whole({ ...event, rawQueryString: 'minScore=0.99' })
      }
      const probe = await answer(1000)
      const perRow = probe.body.length / 1000
      const most = Math.floor((6 * 2 ** 20) / perRow)
      const fits = await answer(most - 20)
      expect(fits.statusCode).toBe(200)
      expect(fits.body.length).toBeGreaterThan(5.8 * 2 ** 20)
      const beyond = await answer(most + 20)
      expect(beyond.statusCode).toBe(413)
      expect(JSON.parse(beyond.body)).toMatchObject({ error: { code: 'REQUEST_TOO_LARGE' } })
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
      const missing = await whole(httpApi('GET', '/nowhere'))
      expect(missing.statusCode).toBe(404)
      expect(JSON.parse(missing.body)).toMatchObject({ error: { code: 'NOT_FOUND' } })
      for (const path of ['//[', '//v1/models', '/%', '/\u0000']) {
        expect((await whole(functionUrl('GET', path))).statusCode).toBe(404)
      }
      expect((await whole(functionUrl('GET', 'v1/models'))).statusCode).toBe(400)
      expect(host.environments).toBe(1)
    })

    it('fails a wrong direct call with its code, sentence and hint', async () => {
      const bytes = Buffer.from('not a picture').toString('base64')
      const broken = await host.invoke({ image: bytes })
      expect(broken.functionError).toBe('Unhandled')
      expect(parse(broken.payload)).toMatchObject({
        errorType: 'IMAGE_FORMAT',
        errorMessage: expect.stringMatching(/^Expected .+\. .+\.$/),
      })
      // No stack, whose lines would name files of the function.
      expect(Buffer.from(broken.payload).toString()).not.toMatch(/\bat .+:\d+/)
      expect(parse((await host.invoke({ Image: { Bytes: bytes } })).payload)).toMatchObject({
        errorType: 'InvalidImageFormatException',
        errorMessage: 'Request has invalid image format',
      })
      expect(parse((await host.invoke({ what: 'ever' })).payload)).toMatchObject({
        errorType: 'REQUEST_INVALID',
        errorMessage: expect.stringMatching(/SQS, SNS, EventBridge or direct.*Send \{"image"/),
      })
      expect(host.environments).toBe(1)
    })

    it('reads multipart forms', async () => {
      const form = new FormData()
      form.set('picture', new Blob([picture], { type: 'image/jpeg' }), 'bus.jpg')
      const encoded = new Response(form)
      const answer = await whole(
        httpApi('POST', '/v1/detect', {
          headers: { 'content-type': encoded.headers.get('content-type') },
          body: Buffer.from(await encoded.arrayBuffer()).toString('base64'),
          isBase64Encoded: true,
        }),
      )
      expect(answer.statusCode).toBe(200)
      expect(labelsOf(JSON.parse(answer.body) as Native)).toContain('bus')
    })

    it('answers the health checks of a load balancer in lists, as it asks', async () => {
      expect(await whole(loadBalancer('GET', '/healthz'))).toMatchObject({
        statusCode: 200,
        multiValueHeaders: { 'content-type': ['application/json'] },
      })
    })
  })

  it('reads a model from a layer', async () => {
    const layered = await packageFunction({ modelIn: 'layer' })
    try {
      expect(layered.built.model?.place).toBe('layer')
      const host = await layered.open({ layers: [layered.files[1]!] })
      const result = await host.invoke({ image: picture.toString('base64') })
      expect(labelsOf(parse<Native>(result.payload))).toContain('bus')
      const without = await layered.open()
      expect(parse((await without.invoke({ image: 'AAAA' })).payload)).toMatchObject({
        errorType: 'MODEL_NOT_FOUND',
      })
    } finally {
      await layered.close()
    }
  })

  it('sends its part of a sampled trace to X-Ray', async () => {
    const daemon = createSocket('udp4')
    const segments: string[] = []
    daemon.on('message', (message) => segments.push(message.toString()))
    await new Promise<void>((resolve) => daemon.bind(0, '127.0.0.1', resolve))
    const host = await packaged.open({
      credentials: { AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}` },
    })
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    const result = await host.invoke({ image: picture.toString('base64') }, { traceId: trace })
    expect(result.functionError).toBeUndefined()
    await new Promise((resolve) => setTimeout(resolve, 100))
    daemon.close()
    expect(segments.join()).toContain('## POST /v1/detect')
  })

  describe('streaming', () => {
    let host: LambdaHost
    beforeAll(async () => {
      host = await packaged.open({ handler: 'index.streaming' })
    })

    it('sends annotated pictures through a function URL as they come', async () => {
      const event = functionUrl('POST', '/v1/detect', { headers: { accept: 'image/png' }, ...sent })
      const result = await host.invoke(event)
      expect(result).toMatchObject({
        streamed: true,
        contentType: 'application/vnd.awslambda.http-integration-response',
      })
      const { head, body } = streamed(result.payload)
      expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'image/png' } })
      expect(await sharp(body).metadata()).toMatchObject({ format: 'png', width: 810, height: 1080 })
    })

    it('answers API Gateway and direct callers whole', async () => {
      const answer = parse<Whole>((await host.invoke(httpApi('POST', '/v1/detect', sent))).payload)
      expect(answer.statusCode).toBe(200)
      expect(labelsOf(JSON.parse(answer.body) as Native)).toContain('bus')
      const direct = await host.invoke({ image: picture.toString('base64') })
      expect(labelsOf(parse<Native>(direct.payload))).toContain('bus')
    })

    it('sends the head of an answer without a body', async () => {
      const cors = await packaged.open({
        handler: 'index.streaming',
        environment: { BOXLET_CORS_ORIGINS: 'https://page.example' },
      })
      const headers = { origin: 'https://page.example', 'access-control-request-method': 'POST' }
      const { head, body } = streamed(
        (await cors.invoke(functionUrl('OPTIONS', '/v1/detect', { headers }))).payload,
      )
      expect(head.statusCode).toBe(204)
      expect(head.headers['access-control-allow-origin']).toBe('https://page.example')
      expect(body.length).toBe(0)
    })
  })
})
