import { readFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  answerByPath,
  MODEL_BYTES,
  makeWorkspace,
  startServer,
  type TestServer,
  type Workspace,
} from '../../../test/support/store.ts'
import { progressLine } from '../kit/download-progress.ts'
import { main } from '../main.ts'

let server: TestServer
let space: Workspace
beforeAll(async () => {
  server = await startServer(answerByPath)
})
afterAll(() => server.close())
beforeEach(() => {
  space = makeWorkspace()
  const source = (path: string) => [{ type: 'https' as const, url: `${server.address}${path}` }]
  space.addEntry('good', source('/whole.onnx'), {
    licence: { name: 'AGPL-3.0', class: 'copyleft', source: 'test' },
  })
  space.addEntry('missing', source('/missing.onnx'))
})
afterEach(() => space.remove())

async function boxlet(args: string[], isTTY = false) {
  const texts = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof texts) =>
    Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          texts[name] += chunk
          done()
        },
      }),
      { isTTY },
    )
  const code = await main(['model', ...args], {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: Readable.from([]),
    env: space.env,
    signal: new AbortController().signal,
  })
  return { code, ...texts }
}

describe('boxlet model', () => {
  test('pull prints the path on stdout and the licence on stderr', async () => {
    const { code, stdout, stderr } = await boxlet(['pull', 'good'])
    expect(code).toBe(0)
    expect(readFileSync(stdout.trim()).equals(MODEL_BYTES)).toBe(true)
    expect(stderr).toBe(
      'boxlet: The weights of "good" are under AGPL-3.0 (copyleft: it may bind what you build on it).\n',
    )
    expect((await boxlet(['pull', 'good'])).stderr).toBe('')
  })

  test('pull draws a bar on a terminal and clears it', async () => {
    const { stderr, stdout } = await boxlet(['pull', 'good'], true)
    expect(stderr).toMatch(/good {2}█{24} {2}0\.3 of 0\.3 MB/)
    expect(stderr.endsWith('\r\u001b[K')).toBe(true)
    expect(stdout).not.toMatch(/█/)
  })

  test('pull goes on after a failure and says 1; with nothing done it says 3', async () => {
    const mixed = await boxlet(['pull', 'missing', 'good', '--format', 'json'])
    expect(mixed.code).toBe(1)
    const { models } = JSON.parse(mixed.stdout)
    expect(models[0]).toMatchObject({ name: 'missing', error: { code: 'DOWNLOAD_FAILED' } })
    expect(models[1]).toMatchObject({ name: 'good', licence: { class: 'copyleft' } })
    expect(mixed.stderr).toMatch(/404 \(not found\)/)
    expect((await boxlet(['pull', 'missing'])).code).toBe(3)
  })

  test('list tells what is cached', async () => {
    const cached = async () =>
      JSON.parse((await boxlet(['list', '--format', 'json'])).stdout).models.filter(
        (model: { cached: boolean }) => model.cached,
      )
    expect(await cached()).toEqual([])
    await boxlet(['pull', 'good'])
    expect(await cached()).toMatchObject([{ name: 'good', licence: { name: 'AGPL-3.0', class: 'copyleft' } }])
    const { stdout } = await boxlet(['list'])
    expect(stdout.split('\n')[0]).toMatch(/^name +input +MB +accuracy +licence +class +cached$/)
    expect(stdout).toMatch(/^good +64x64 +0\.3 +- +AGPL-3\.0 +copyleft +yes$/m)
    expect(stdout).toMatch(/^yolov8n +640x640 +12\.8 +AP 37\.3 +AGPL-3\.0 +copyleft +no$/m)
  })

  test('remove takes it away, once', async () => {
    await boxlet(['pull', 'good'])
    expect(await boxlet(['remove', 'good'])).toMatchObject({ code: 0, stdout: 'Removed good.\n' })
    expect(await boxlet(['remove', 'good'])).toMatchObject({ code: 0, stdout: 'good was not cached.\n' })
  })

  test.each([
    [[]],
    [['fetch', 'good']],
    [['pull']],
    [['remove']],
    [['list', 'good']],
    [['list', '--format', 'xml']],
    [['pull', 'good', '--force']],
  ])('is wrong usage: %j', async (args) => {
    const { code, stderr } = await boxlet(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^boxlet: Expected .*\[USAGE\]\n$/)
  })

  test('suggests the nearest name', async () => {
    const { code, stderr } = await boxlet(['pull', 'yolo8n'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/Did you mean "yolov8n"/)
  })
})

test('the bar shows share, bytes and rate', () => {
  const bar = progressLine({ name: 'm', done: 6_000_000, total: 12_000_000 }, 2)
  expect(bar).toBe(`m  ${'█'.repeat(12)}${'░'.repeat(12)}  6.0 of 12.0 MB  3.0 MB/s`)
})
