import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hasCpuQuota } from './cpu-quota.ts'
import { LambdaHost, type LambdaHostOptions } from './lambda-host.ts'

const HANDLERS = `
import { readFileSync, writeFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
let calls = 0
export const echo = async (event, context) => {
  console.log('serving ' + event.name)
  return { event, calls: ++calls, id: context.awsRequestId, left: context.getRemainingTimeInMillis(),
    memory: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, own: process.env.OWN, home: process.env.BOXLET_SECRET ?? null,
    execution: process.env.AWS_EXECUTION_ENV, trace: process.env._X_AMZN_TRACE_ID ?? null }
}
export const fail = async () => { throw new TypeError('no such thing') }
export const exit = async () => process.exit(7)
export const hang = () => new Promise(() => setInterval(() => {}, 1000))
export const forgotten = () => new Promise(() => {})
export const slow = async (event) => { await new Promise((r) => setTimeout(r, event.ms)); return process.pid }
export const large = async () => 'x'.repeat(7 * 2 ** 20)
export const greedy = async () => { const kept = []; for (;;) { kept.push(Buffer.alloc(8 * 2 ** 20, 1)); await new Promise((r) => setTimeout(r, 5)) } }
export const files = async () => {
  let refused
  try { writeFileSync(process.env.LAMBDA_TASK_ROOT + '/index.mjs', 'x') } catch (error) { refused = error.code }
  const before = readdirSync(tmpdir())
  writeFileSync(tmpdir() + '/kept', Buffer.alloc(1000))
  return { refused, before, layer: readFileSync(process.env.BOXLET_OPT + '/note.txt', 'utf8') }
}
let ticks = 0
export const background = async () => { setInterval(() => ticks++, 5); return ticks }
export const stream = awslambda.streamifyResponse(async (event, out) => {
  const http = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { 'content-type': 'text/plain' } })
  http.write('one ')
  await new Promise((r) => setTimeout(r, 50))
  http.write('two')
  if (event.fail) throw new RangeError('half way')
  http.end()
})
export const headOnly = awslambda.streamifyResponse(async (event, out) => {
  const http = awslambda.HttpResponseStream.from(out, { statusCode: 204 })
  if (event.write) http.write('')
  http.end()
})
export const burn = async () => { const end = Date.now() + 300; let n = 0; while (Date.now() < end) n++; return n }
`
let folder: string
let zip: string
const open: LambdaHost[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'host-test-'))
  zip = join(folder, 'function.zip')
  writeFileSync(zip, zipSync({ 'index.mjs': Buffer.from(HANDLERS) }))
})
afterEach(async () => {
  for (const host of open.splice(0)) {
    await host.close()
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(handler: string, options: Partial<LambdaHostOptions> = {}): Promise<LambdaHost> {
  const host = await LambdaHost.open({ zip, handler: `index.${handler}`, memoryMb: 512, ...options })
  open.push(host)
  return host
}
// Each handler answers with something else, and the assertions say what.
const parse = (result: { payload: Uint8Array }) =>
  JSON.parse(Buffer.from(result.payload).toString('utf8')) as Record<string, unknown>

describe('LambdaHost', () => {
  it('gives the handler its event, context and Lambda variables, and none of ours', async () => {
    process.env.BOXLET_SECRET = 'not for the function'
    const host = await start('echo', { environment: { OWN: 'yes' }, timeoutMs: 9000 })
    const first = await host.invoke({ name: 'a' }, { traceId: 'Root=1-2-3;Sampled=0' })
    delete process.env.BOXLET_SECRET
    expect(first.functionError).toBeUndefined()
    expect(parse(first)).toMatchObject({
      event: { name: 'a' },
      calls: 1,
      id: first.requestId,
      memory: '512',
      own: 'yes',
      home: null,
      trace: 'Root=1-2-3;Sampled=0',
      execution: `AWS_Lambda_nodejs${Number.parseInt(process.versions.node, 10)}.x`,
    })
    expect(parse(first).left).toBeGreaterThan(1000)
    expect(first.logs).toEqual(['serving a'])
    expect(first.metrics.initMs).toBeGreaterThan(0)
  })

  it('keeps an environment for the next call', async () => {
    const host = await start('echo')
    await host.invoke({ name: 'a' })
    const second = await host.invoke({ name: 'b' })
    expect(parse(second).calls).toBe(2)
    expect(second.metrics.initMs).toBeUndefined()
    expect(host.environments).toBe(1)
  })

  it('starts another environment when calls overlap', async () => {
    const host = await start('slow')
    const pids = await Promise.all([host.invoke({ ms: 200 }), host.invoke({ ms: 200 })])
    expect(new Set(pids.map((pid) => parse(pid))).size).toBe(2)
  })

  it('reports a thrown error and goes on with the same environment', async () => {
    const host = await start('fail')
    const result = await host.invoke({})
    expect(result.functionError).toBe('Unhandled')
    expect(parse(result)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such thing' })
    expect(host.environments).toBe(1)
  })

  it('reports an exit and replaces the environment', async () => {
    const host = await start('exit')
    expect(parse(await host.invoke({}))).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 7'),
    })
    expect(host.environments).toBe(0)
    expect(parse(await host.invoke({})).errorType).toBe('Runtime.ExitError')
  })

  it('ends a call at its timeout', async () => {
    const host = await start('hang', { timeoutMs: 300 })
    expect(parse(await host.invoke({}))).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringContaining('Task timed out after 0.30 seconds'),
    })
    expect(host.environments).toBe(0)
  })

  it('reports a promise that can never settle', async () => {
    const host = await start('forgotten')
    expect(parse(await host.invoke({})).errorType).toBe('Runtime.ExitError')
  })

  it('ends a process that outgrows its memory', async () => {
    const host = await start('greedy', { memoryMb: 128 })
    expect(parse(await host.invoke({})).errorType).toBe('Runtime.OutOfMemory')
  })

  it('reports a handler that is not there', async () => {
    const host = await start('nothing')
    expect(parse(await host.invoke({})).errorType).toBe('Runtime.HandlerNotFound')
  })

  it('refuses answers and events over six megabytes', async () => {
    const host = await start('large')
    expect(parse(await host.invoke({})).errorType).toBe('Function.ResponseSizeTooLarge')
    await expect(host.invoke('y'.repeat(7 * 2 ** 20))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' })
  })

  it('mounts code and layers read-only and gives each environment its own empty folder', async () => {
    const layer = join(folder, 'layer.zip')
    writeFileSync(layer, zipSync({ 'note.txt': Buffer.from('from the layer') }))
    const host = await start('files', { layers: [layer] })
    const result = await host.invoke({})
    expect(parse(result)).toEqual({
      refused: expect.stringMatching(/EACCES|EROFS|EPERM/),
      before: [],
      layer: 'from the layer',
    })
    expect(result.metrics.tmpBytes).toBe(1000)
  })

  it('freezes the process between calls', async () => {
    const host = await start('background')
    await host.invoke({})
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(parse(await host.invoke({}))).toBeLessThan(20)
  })

  it('passes a streamed answer on as it comes', async () => {
    const host = await start('stream')
    const chunks: string[] = []
    const result = await host.invoke({}, { onChunk: (chunk) => chunks.push(Buffer.from(chunk).toString()) })
    const [head, body] = Buffer.from(result.payload).toString().split('\0\0\0\0\0\0\0\0')
    expect(result.streamed).toBe(true)
    expect(JSON.parse(head!)).toEqual({ statusCode: 201, headers: { 'content-type': 'text/plain' } })
    expect(body).toBe('one two')
    expect(chunks.length).toBeGreaterThan(1)
    expect(result.metrics.firstByteMs).toBeLessThan(result.metrics.durationMs)
  })

  it('keeps what was streamed before an error', async () => {
    const host = await start('stream')
    const result = await host.invoke({ fail: true })
    expect(result.functionError).toBe('Unhandled')
    expect(Buffer.from(result.payload).toString()).toContain('one two')
  })

  it('sends the head of a streamed answer with the first write, as AWS does', async () => {
    const host = await start('headOnly')
    expect(Buffer.from((await host.invoke({ write: true })).payload).toString()).toBe(
      `{"statusCode":204}${'\0'.repeat(8)}`,
    )
    expect((await host.invoke({})).payload.length).toBe(0)
  })

  it.skipIf(!hasCpuQuota())('holds the process to its share of the processor', async () => {
    const host = await start('burn', { memoryMb: 256, quota: true })
    await host.invoke({})
    const result = await host.invoke({})
    expect(result.metrics.throttledMs).toBeGreaterThan(50)
  })

  it.each([
    ['memory', { memoryMb: 100 }],
    ['timeout', { timeoutMs: 1e6 }],
    ['reserved variable', { environment: { AWS_REGION: 'x' } }],
    ['bytes of environment', { environment: { A: 'x'.repeat(5000) } }],
  ])('refuses what Lambda refuses: %s', async (word, options) => {
    await expect(LambdaHost.open({ zip, ...options })).rejects.toThrow(word)
  })
})
