import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { largeBytes } from '../../test/support/large-picture.ts'
import { streetBytes, streetModel } from '../../test/support/street.ts'

const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')

/** The built command as a process of its own, in a folder without configuration. */
describe('boxlet serve', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-cli-serve-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const model = streetModel()
  function start(...args: string[]): {
    child: ChildProcess
    text: () => string
    ended: Promise<number | null>
  } {
    const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    child.stderr?.on('data', (chunk) => {
      text += chunk
    })
    return { child, text: () => text, ended: once(child, 'exit').then(([code]) => code as number | null) }
  }

  it('says where it is, answers, and ends well on SIGTERM', async () => {
    const { child, text, ended } = start('--model', `tiny=${model}`, '--workers', '1')
    await expect.poll(text, { timeout: 30_000 }).toMatch(/tiny at http:\/\/127\.0\.0\.1:\d+ with 1 worker\./)
    const url = /http:\/\/[\d.:]+\d/.exec(text())?.[0] as string
    const body = streetBytes
    const answer = await fetch(`${url}/v1/detect?model=tiny`, { method: 'POST', body })
    expect(answer.status).toBe(200)
    const page = await fetch(url)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    for (const path of [
      '/assets/../../package.json',
      '/assets/%2e%2e/index.html',
      '/assets/..%2findex.html',
      '/web/index.html',
    ]) {
      expect([path, (await fetch(url + path)).status]).toEqual([path, 404])
    }
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(text()).toContain('"route":"/v1/detect"')
  })

  it.each([
    ['a run under way whose deadline comes first', ['--deadline', '2'], 'SIGINT', 504, 400],
    ['a run whose deadline has passed', ['--deadline', '0.5'], 'SIGINT', 504, 700],
    ['a run that outlasts the grace', ['--grace', '1'], 'SIGTERM', 503, 400],
    ['no grace', ['--grace', '0'], 'SIGINT', 503, 400],
  ] as const)('ends with code 0 and answers its callers: %s', async (_name, args, signal, status, after) => {
    const { child, text, ended } = start('--model', model, '--workers', '1', ...args)
    await expect.poll(text, { timeout: 30_000 }).toMatch(/at http:/)
    const url = /http:\/\/[\d.:]+\d/.exec(text())?.[0] as string
    // All its tiles would take far longer than a test waits.
    const body = largeBytes
    const work = [1, 2].map(() => fetch(`${url}/v1/detect?sliceSize=128`, { method: 'POST', body }))
    await new Promise((resolve) => setTimeout(resolve, after))
    child.kill(signal)
    expect((await Promise.all(work)).map((answer) => answer.status)).toEqual([status, status])
    expect(await ended).toBe(0)
    expect(text()).not.toContain('terminate called')
  })

  it('says which of several models does not load', async () => {
    const { text, ended } = start('--model', `good=${model}`, '--model', 'shelf=./none.onnx')
    expect(await ended).toBe(3)
    expect(text()).toMatch(/^boxlet: Model "shelf": Expected .*\[MODEL_NOT_FOUND\]\n$/)
  })

  it.each([
    [['--blobs', './none'], '--blobs'],
    [['--blobs', BIN], '--blobs'],
    [['--cors', 'notaurl'], '--cors'],
    [['--cors', 'https://app.example/path'], '--cors'],
    [['--host', '0.0.0.0'], 'key'],
    [['--auth'], 'key'],
    [['--model', 'a.onnx', '--model', 'a.onnx'], 'different name'],
    [['--model', 'a=a.onnx', '--model', 'b=b.onnx', '--labels', 'x'], 'single model'],
    [['--urls', 'some'], 'one of'],
    [['extra'], 'options alone'],
  ])('refuses %j with one clear line', async (args, word) => {
    const { text, ended } = start(...args)
    expect(await ended).toBe(2)
    expect(text()).toContain(word)
    expect(text().trim().split('\n')).toHaveLength(1)
  })

  it('says which model it cannot find', async () => {
    const { text, ended } = start('--model', './none.onnx')
    expect(await ended).toBe(3)
    expect(text()).toContain('MODEL_NOT_FOUND')
  })
})
