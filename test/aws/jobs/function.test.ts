import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LambdaHost } from '../../../src/aws/emulator/lambda-host.ts'
import { arrivalJob } from '../../../src/aws/function/jobs/arrival.ts'
import { openAwsHome } from '../../../src/aws/jobs/home.ts'
import { messageOf } from '../../../src/jobs/message.ts'
import { functionUrl, parse } from '../events.ts'
import { type Moto, startMoto } from '../moto.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from '../packaged.ts'
import { motoServer } from '../tools.ts'
import { type Failures, type JobStack, makeJobStack, region } from './stack.ts'

interface Answer {
  statusCode: number
  headers: Record<string, string>
  body: string
}

describe.skipIf(motoServer === undefined || !canRunPackage)('jobs of the packaged function', () => {
  let moto: Moto
  let packaged: Packaged
  let stack: JobStack
  let host: LambdaHost

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    stack = await makeJobStack(moto.endpoint, 'jobs')
    packaged = await packageFunction()
    host = await packaged.open({
      timeoutMs: 60_000,
      environment: { ...stack.environment, BOXLET_JOBS_RESULTS: 's3' },
      credentials: {
        AWS_ENDPOINT_URL: moto.endpoint,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_REGION: region,
      },
    })
  }, 240_000)
  afterAll(async () => {
    await packaged?.close()
    await moto?.stop()
  })

  const http = async (method: string, path: string, parts: Parameters<typeof functionUrl>[2] = {}) => {
    const [name, query = ''] = path.split('?') as [string, string?]
    const { payload } = await host.invoke(functionUrl(method, name, { ...parts, query }))
    const { statusCode, body } = parse(payload) as Answer
    return { status: statusCode, body: JSON.parse(body) as Record<string, never> }
  }
  const invoke = async (event: object): Promise<Failures> => {
    const result = await host.invoke(event)
    expect(result.functionError, result.logs.join('\n')).toBeUndefined()
    return parse(result.payload) as Failures
  }
  const run = async (): Promise<void> => {
    let count: number
    do {
      count = (await stack.pump('chores', invoke)) + (await stack.pump('pictures', invoke))
    } while (count > 0)
  }
  const submitPicture = (headers: Record<string, string> = {}) =>
    http('POST', '/v1/jobs', { body: picture.toString('base64'), isBase64Encoded: true, headers })
  const put = (Key: string, Body: Buffer | string) =>
    stack.s3.send(new PutObjectCommand({ Bucket: stack.places.bucket, Key, Body }))
  const arrival = (key: string, sequencer: string, id: string) => ({
    messageId: id,
    receiptHandle: id,
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:123456789012:jobs-pictures`,
    attributes: { ApproximateReceiveCount: '1' },
    body: JSON.stringify({
      Records: [
        {
          eventName: 'ObjectCreated:Put',
          s3: { bucket: { name: stack.places.bucket }, object: { key, sequencer } },
        },
      ],
    }),
  })

  it('takes a picture, works on it, and tells the bus once', async () => {
    const submitted = await submitPicture({ 'idempotency-key': 'one' })
    expect(submitted).toMatchObject({ status: 202, body: { state: 'queued', counts: { total: 1 } } })
    const again = await submitPicture({ 'idempotency-key': 'one' })
    expect(again).toMatchObject({ status: 200, body: { id: submitted.body.id } })
    await run()
    const { body } = await http('GET', `/v1/jobs/${submitted.body.id}/pictures`)
    expect(body).toMatchObject({ pictures: [{ n: 0, state: 'succeeded', attempts: 1 }] })
    expect(await http('GET', `/v1/jobs/${submitted.body.id}`)).toMatchObject({ body: { state: 'succeeded' } })
    const events = await stack.events()
    expect(events).toMatchObject([
      { 'detail-type': 'JobCompleted', detail: { job: submitted.body.id, state: 'succeeded' } },
    ])
  }, 120_000)

  it('makes one job of a picture that arrives twice, and finds the newest version only', async () => {
    await put('incoming/a.jpg', picture)
    await invoke({ Records: [arrival('incoming/a.jpg', '0A', 'm1')] })
    await invoke({ Records: [arrival('incoming/a.jpg', '0A', 'm2')] })
    await invoke({ Records: [arrival('incoming/a.jpg', '09', 'm3')] })
    const { body } = await http('GET', '/v1/jobs?limit=10')
    const local = (await http('GET', '/v1/search?min-score=0.1')).body
    expect(JSON.stringify(local)).not.toContain('incoming/a.jpg')
    expect(body).toBeDefined()
    const written = await packagedResult('results/incoming/a.jpg.json')
    expect(written).toMatchObject({ images: [{ width: expect.any(Number) }] })
  }, 120_000)

  it('keeps the result of the newest version, though an older one is worked on last', async () => {
    const key = 'incoming/turn.jpg'
    await put(key, picture)
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
    const outer = { ...process.env }
    Object.assign(process.env, keys)
    const home = openAwsHome({ ...stack.places, endpoint: moto.endpoint, region }, [])
    const task = { ref: { bucket: stack.places.bucket, key }, sequencer: '01' }
    const [older] = await home.store.accept([arrivalJob(task, true)])
    await home.close()
    process.env = outer
    await invoke({ Records: [arrival(key, '02', 'm20')] })
    const body = messageOf({ tenant: 'local', job: (older as { job: { id: string } }).job.id, n: 0 })
    await invoke({ Records: [{ ...arrival(key, '01', 'm21'), body }] })
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3')
    const { Metadata } = await stack.s3.send(
      new HeadObjectCommand({ Bucket: stack.places.bucket, Key: `results/${key}.json` }),
    )
    expect(Metadata).toEqual({ 'boxlet-sequencer': '02' })
    const { body: jobs } = await http('GET', '/v1/jobs?state=succeeded&limit=100')
    expect(JSON.stringify(jobs)).toContain((older as { job: { id: string } }).job.id)
  }, 120_000)

  async function packagedResult(Key: string): Promise<unknown> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3')
    const { Body } = await stack.s3.send(new GetObjectCommand({ Bucket: stack.places.bucket, Key }))
    return JSON.parse(await Body!.transformToString()) as unknown
  }

  it('reads a list in S3, each picture once, with redeliveries, and says which lines are wrong', async () => {
    await put('incoming/b.jpg', picture)
    const lines = Array.from({ length: 30 }, () =>
      JSON.stringify({ 'source-ref': `s3://${stack.places.bucket}/incoming/b.jpg` }),
    )
    await put(
      'lists/list.jsonl',
      [
        ...lines,
        '{"wrong": 1}',
        JSON.stringify({ 'source-ref': `s3://${stack.places.bucket}/incoming/gone.jpg` }),
      ].join('\n'),
    )
    const { body } = await http('POST', '/v1/jobs', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ manifest: `s3://${stack.places.bucket}/lists/list.jsonl` }),
    })
    let first = true
    let count: number
    do {
      count =
        (await stack.pump('chores', invoke)) +
        (await stack.pump('pictures', async (event) => {
          const answer = await invoke(event)
          // As if Lambda had died after the work: everything comes again.
          if (first) {
            first = false
            const { Records } = event as { Records: { messageId: string }[] }
            return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) }
          }
          return answer
        }))
      if (count === 0 && !first) {
        await new Promise((resolve) => setTimeout(resolve, 3200))
        count = await stack.pump('pictures', invoke)
      }
    } while (count > 0)
    expect(await http('GET', `/v1/jobs/${body.id}`)).toMatchObject({
      body: { state: 'succeeded', complete: true, counts: { total: 32, succeeded: 30, failed: 2 } },
    })
    const failed = await http('GET', `/v1/jobs/${body.id}/pictures?state=failed`)
    expect(failed.body).toMatchObject({
      pictures: [
        { line: 31, error: { code: 'MANIFEST_INVALID' } },
        { line: 32, error: { code: 'IMAGE_NOT_FOUND' } },
      ],
    })
    const ended = (await stack.events()).filter(({ detail }) => detail.job === body.id)
    expect(ended).toHaveLength(1)
  }, 240_000)

  it('gives out a form whose picture becomes a job of its caller', async () => {
    const { status, body } = await http('POST', '/v1/jobs/uploads?name=big.jpg')
    expect(status).toBe(201)
    const {
      fields,
      url,
      picture: address,
    } = body as unknown as { fields: Record<string, string>; url: string; picture: string }
    expect(new URL(url).host).toBe(`${stack.places.bucket}.s3.${region}.amazonaws.com`)
    const policy = JSON.parse(Buffer.from(fields.policy!, 'base64').toString()) as { conditions: unknown[] }
    expect(policy.conditions).toContainEqual(['content-length-range', 1, 52_428_800])
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) {
      form.append(name, value)
    }
    form.append('file', new Blob([picture]))
    const uploaded = await fetch(`${moto.endpoint}/${stack.places.bucket}`, { method: 'POST', body: form })
    expect(uploaded.ok).toBe(true)
    const key = address.slice(`s3://${stack.places.bucket}/`.length)
    await invoke({ Records: [arrival(encodeURIComponent(key).replaceAll('%2F', '/'), '01', 'm9')] })
    const found = await http('GET', '/v1/jobs?state=succeeded')
    const pictures = await Promise.all(
      (found.body as unknown as { jobs: { id: string }[] }).jobs.map(({ id }) =>
        http('GET', `/v1/jobs/${id}/pictures`),
      ),
    )
    expect(JSON.stringify(pictures)).toContain('big.jpg')
  }, 120_000)

  it('does on its schedule what an interrupted call has left', async () => {
    const submitted = await submitPicture()
    await run()
    expect(await invoke({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })).toBeNull()
    expect(await http('GET', `/v1/jobs/${submitted.body.id}`)).toMatchObject({ body: { state: 'succeeded' } })
  }, 120_000)
})
