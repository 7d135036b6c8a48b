import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { constantModel } from '../../test/support/onnx-graph.ts'

describe('turnOffTelemetry', () => {
  it('keeps the runtime from writing a device id into the home folder', async () => {
    const home = await mkdtemp(join(tmpdir(), 'boxlet-home-'))
    const model = Buffer.from(
      constantModel([{ name: 'x', shape: [1] }], [{ name: 'y', shape: [1], values: [1] }]),
    ).toString('base64')
    const session = new URL('../../dist/runtime/session.js', import.meta.url).href
    const script = `import { openSession } from '${session}'
      await (await openSession(new Uint8Array(Buffer.from('${model}', 'base64')), { threads: 1 })).release()`
    try {
      const env = { ...process.env, HOME: home }
      delete (env as Record<string, string | undefined>).ORT_DISABLE_TELEMETRY
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
      expect(await readdir(home, { recursive: true })).toEqual([])
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })
})
