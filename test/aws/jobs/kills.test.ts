import { readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LambdaHost } from '../../../src/aws/emulator/lambda-host.ts'
import { type AwsJobHome, openAwsHome } from '../../../src/aws/jobs/home.ts'
import { isFinal, type Job } from '../../../src/jobs/job.ts'
import { functionUrl, parse } from '../events.ts'
import { type Moto, startMoto } from '../moto.ts'
import { canRunPackage, type Packaged, packageFunction, picture } from '../packaged.ts'
import { motoServer } from '../tools.ts'
import { type Failures, type JobStack, makeJobStack, region } from './stack.ts'

/** `npm run soak -- aws` takes as many pictures as the issue of jobs on AWS asked for. */
const soak = Number(process.env.BOXLET_TEST_SOAK ?? 0)
const PICTURES = soak > 0 ? soak : 60
const WORKERS = 2
/** A batch of the long form has time to end before its messages come again, as on AWS. */
const VISIBILITY = soak > 0 ? 60 : 5
/** Before a kill, at random. */
const LIFE_MS = soak > 0 ? 20_000 : 8000
/** Of the short form, which a machine that begins each environment slowly would never end otherwise. */
const MOST_KILLS = soak > 0 ? Number.POSITIVE_INFINITY : 4
/** Of those batches that went well one in so many comes again, as after a function that died when all was done. */
const AGAIN = 20
const HOUR_MS = 3_600_000

describe.skipIf(motoServer === undefined || !canRunPackage)('functions that die', () => {
  let moto: Moto
  let packaged: Packaged
  let stack: JobStack
  let host: LambdaHost
  let home: AwsJobHome
  const outer = { ...process.env }

  beforeAll(async () => {
    moto = await startMoto(motoServer as string, { manyItems: true })
    stack = await makeJobStack(moto.endpoint, 'kills', VISIBILITY)
    packaged = await packageFunction()
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: region }
    Object.assign(process.env, keys)
    home = openAwsHome({ ...stack.places, endpoint: moto.endpoint, region }, [])
    host = await packaged.open({
      timeoutMs: 60_000,
      environment: stack.environment,
      credentials: { AWS_ENDPOINT_URL: moto.endpoint, ...keys },
    })
  }, 240_000)
  afterAll(async () => {
    await home?.close()
    await packaged?.close()
    await moto?.stop()
    process.env = outer
  })

  async function invoke(event: object): Promise<Failures> {
    const { functionError, payload } = await host.invoke(event)
    const { Records = [] } = event as { Records?: { messageId: string }[] }
    const all = { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) }
    const comesAgain = functionError !== undefined || Math.random() < 1 / AGAIN
    return comesAgain ? all : (parse(payload) as Failures)
  }

  async function pumpUntil(stop: AbortSignal, which: 'pictures' | 'chores'): Promise<void> {
    while (!stop.aborted) {
      if ((await stack.pump(which, invoke)) === 0) {
        await sleep(100)
      }
    }
  }

  async function killUntil(stop: AbortSignal): Promise<number> {
    let kills = 0
    while (!stop.aborted && kills < MOST_KILLS) {
      await sleep(Math.random() * LIFE_MS, undefined, { signal: stop }).catch(() => {})
      const pids = environments()
      const pid = pids[Math.floor(Math.random() * pids.length)]
      if (pid !== undefined && !stop.aborted) {
        process.kill(pid, 'SIGKILL')
        kills++
      }
    }
    return kills
  }

  async function lookUntil(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await host.invoke({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })
      await sleep(5000, undefined, { signal: stop }).catch(() => {})
    }
  }

  it(
    `give each of ${PICTURES} pictures of a list one result, whenever they are killed`,
    async () => {
      const { bucket } = stack.places
      const put = (Key: string, Body: Buffer | string) =>
        stack.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
      const keys = Array.from({ length: PICTURES }, (_, n) => `pictures/${n}.jpg`)
      for (let start = 0; start < keys.length; start += 20) {
        await Promise.all(keys.slice(start, start + 20).map((key) => put(key, picture)))
      }
      await put(
        'lists/list.jsonl',
        keys.map((key) => JSON.stringify({ 'source-ref': `s3://${bucket}/${key}` })).join('\n'),
      )
      const { payload } = await host.invoke(
        functionUrl('POST', '/v1/jobs', {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ manifest: `s3://${bucket}/lists/list.jsonl` }),
        }),
      )
      const { id } = JSON.parse((parse(payload) as { body: string }).body) as { id: string }

      const started = performance.now()
      const stop = new AbortController()
      const workers = Array.from({ length: WORKERS }, () => pumpUntil(stop.signal, 'pictures'))
      const others = [pumpUntil(stop.signal, 'chores'), lookUntil(stop.signal)]
      const killing = killUntil(stop.signal)
      const until = Date.now() + (soak > 0 ? HOUR_MS : 200_000)
      let job: Job | undefined
      let kills = 0
      try {
        while ((job === undefined || !isFinal(job.state)) && Date.now() < until) {
          await sleep(500)
          job = await home.store.get('local', id)
        }
      } finally {
        stop.abort()
        kills = await killing
        await Promise.all([...workers, ...others])
      }
      const seconds = (performance.now() - started) / 1000

      expect(job).toMatchObject({
        state: 'succeeded',
        complete: true,
        counts: { total: PICTURES, succeeded: PICTURES, failed: 0, cancelled: 0 },
      })
      expect(await numbersOf(id)).toEqual(keys.map((_, n) => n))
      expect(await searched()).toBe(PICTURES)
      const totals = await home.store.totals('local', id)
      expect(totals.length).toBeGreaterThan(0)
      expect(totals.every(({ pictures }) => pictures === PICTURES)).toBe(true)
      expect(kills).toBeGreaterThan(0)
      const load = loadavg()[0]!.toFixed(0)
      console.log(`${PICTURES} pictures in ${seconds.toFixed(0)} s, ${kills} kills, load ${load}`)
    },
    soak > 0 ? 1.2 * HOUR_MS : 240_000,
  )

  /** Of pictures with a result. */
  async function numbersOf(id: string): Promise<number[]> {
    const numbers: number[] = []
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const query = { states: ['succeeded' as const], limit: 500, ...(cursor !== undefined && { cursor }) }
      const page = await home.store.pictures('local', id, query)
      numbers.push(...page.items.filter(({ found }) => found !== undefined).map(({ n }) => n))
      cursor = page.cursor
    }
    return numbers
  }

  /** Pictures that search finds, each counted as often as it is found. */
  async function searched(): Promise<number> {
    let count = 0
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const query = { terms: [], limit: 500, ...(cursor !== undefined && { cursor }) }
      const page = await home.store.search('local', query)
      count += page.items.length
      cursor = page.cursor
    }
    return count
  }
})

/** Processes of functions that this test has started. */
function environments(): number[] {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('boxlet-lambda-')
    } catch {
      return false
    }
  })
}
