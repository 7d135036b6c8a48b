/** Several real processes on one cache. Each runs the store bundled into one file, as an installed Boxlet would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  answerByPath,
  MODEL_BYTES,
  makeWorkspace,
  startServer,
  type TestServer,
  type Workspace,
} from '../../test/support/store.ts'

/** Inside node_modules, so that the bundle finds the libraries that stay outside it. */
const folder = resolve(import.meta.dirname, '../../node_modules/.cache', `boxlet-store-test-${process.pid}`)
const bundle = join(folder, 'pull.mjs')

let server: TestServer
let space: Workspace
const children: ChildProcess[] = []

beforeAll(async () => {
  server = await startServer(answerByPath)
  mkdirSync(folder, { recursive: true })
  await build({
    stdin: {
      contents: `
        import { pullModel } from ${JSON.stringify(resolve(import.meta.dirname, 'store.ts'))}
        const notices = []
        try {
          const { path } = await pullModel('m', {
            env: process.env,
            onNotice: (line) => notices.push(line),
            onProgress: ({ done }) => { if (done > 0) process.stderr.write('.') },
          })
          console.log(JSON.stringify({ path, notices }))
        } catch (error) {
          console.log(JSON.stringify({ code: error.code, message: error.message }))
        }`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: bundle,
  })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await server.close()
})
beforeEach(() => {
  space = makeWorkspace()
  server.requests.length = 0
})
afterEach(() => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
  }
  space.remove()
})

interface Outcome {
  path?: string
  notices?: string[]
  code?: string
  message?: string
}

function startPull(shellPrefix = ''): { child: ChildProcess; outcome: Promise<Outcome | undefined> } {
  const env = { ...process.env, ...space.env }
  const child =
    shellPrefix === ''
      ? spawn(process.execPath, [bundle], { env })
      : spawn('/bin/sh', ['-c', `${shellPrefix}; exec "${process.execPath}" "${bundle}"`], { env })
  children.push(child)
  let text = ''
  child.stdout!.on('data', (chunk) => {
    text += chunk
  })
  const outcome = new Promise<Outcome | undefined>((done) =>
    child.on('close', () => done(text === '' ? undefined : (JSON.parse(text) as Outcome))),
  )
  return { child, outcome }
}

const addModel = (path: string) => space.addEntry('m', [{ type: 'https', url: `${server.address}${path}` }])

/** A pull that is killed in the middle of its download. */
async function killedPull(): Promise<void> {
  addModel('/stalled.onnx')
  const { child, outcome } = startPull()
  await new Promise<void>((begun) => child.stderr!.once('data', () => begun()))
  child.kill('SIGKILL')
  await outcome
}

describe('processes that want the same model', () => {
  test('share one download', async () => {
    addModel('/slow.onnx')
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => startPull().outcome))
    const paths = new Set(outcomes.map((outcome) => outcome?.path))
    expect(paths.size).toBe(1)
    expect(readFileSync([...paths][0]!).equals(MODEL_BYTES)).toBe(true)
    expect(server.requests).toEqual(['/slow.onnx'])
    expect(outcomes.filter((outcome) => outcome?.notices?.some((line) => /Waiting/.test(line)))).toHaveLength(
      3,
    )
    expect(space.cached()).toHaveLength(2)
  })

  test('each report a failure that all of them meet', async () => {
    addModel('/missing.onnx')
    const outcomes = await Promise.all([1, 2].map(() => startPull().outcome))
    for (const outcome of outcomes) {
      expect(outcome?.code).toBe('DOWNLOAD_FAILED')
    }
    expect(space.cached()).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('say so when the disk takes no more', async () => {
    addModel('/whole.onnx')
    // Files of 100 blocks at most, of 512 or 1,024 bytes; the model has 300,000 bytes.
    const outcome = await startPull('ulimit -f 100').outcome
    expect(outcome?.code).toBe('CACHE_UNWRITABLE')
    expect(outcome?.message).not.toMatch(/\n/)
    expect(space.cached()).toEqual([])
  })

  test('do not wait for one that was killed', async () => {
    await killedPull()
    expect(space.cached().some((name) => name.endsWith('.lock'))).toBe(true)
    addModel('/whole.onnx')
    const outcome = await startPull().outcome
    expect(readFileSync(outcome!.path!).equals(MODEL_BYTES)).toBe(true)
    expect(space.cached().some((name) => name.endsWith('.lock'))).toBe(false)
  })

  test('clear what a killed one left once it is certain that nobody writes to it', async () => {
    await killedPull()
    const parts = () => space.cached().filter((name) => name.endsWith('.part'))
    expect(parts()).toHaveLength(1)
    utimesSync(join(space.env.BOXLET_CACHE!, 'models', parts()[0]!), 1, 1)
    addModel('/whole.onnx')
    await startPull().outcome
    expect(parts()).toEqual([])
  })

  test('wait for a holder on another machine as long as it touches the lock, and no longer', async () => {
    addModel('/whole.onnx')
    const models = join(space.env.BOXLET_CACHE!, 'models')
    const lock = join(
      models,
      `m-${JSON.parse(readFileSync(join(space.env.BOXLET_CATALOGUE!, 'm/model.json'), 'utf8')).sha256.slice(0, 12)}.onnx.lock`,
    )
    mkdirSync(models, { recursive: true })
    writeFileSync(lock, JSON.stringify({ pid: 1, host: `not-${hostname()}`, id: 'other' }))
    const { outcome } = startPull()
    await sleep(1500)
    expect(server.requests).toEqual([])
    expect(existsSync(lock)).toBe(true)
    const late = await outcome
    expect(readFileSync(late!.path!).equals(MODEL_BYTES)).toBe(true)
  })
})
