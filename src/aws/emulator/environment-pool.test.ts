import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_ENVIRONMENTS } from './environment-pool.ts'
import { LambdaHost } from './lambda-host.ts'

let folder: string
const zipOf = (name: string, source: string): string => {
  const path = join(folder, name)
  writeFileSync(path, zipSync({ 'index.mjs': Buffer.from(source) }))
  return path
}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('environments of a host', () => {
  it('never outnumber the limit, however many calls come in one turn', async () => {
    const zip = zipOf(
      'slow.zip',
      'export const handler = () => new Promise((done) => setTimeout(done, 4000))',
    )
    const host = await LambdaHost.open({ zip, memoryMb: 128 })
    const calls = Array.from({ length: MAX_ENVIRONMENTS + 3 }, () =>
      host.invoke({}).then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
    )
    expect(host.environments).toBe(MAX_ENVIRONMENTS)
    const outcomes = await Promise.all(calls)
    expect(outcomes.filter((outcome) => outcome === 'OVERLOADED')).toHaveLength(3)
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(MAX_ENVIRONMENTS)
    await host.close()
  })

  it('end with the host, also while they start', async () => {
    const zip = zipOf(
      'init.zip',
      'console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000))',
    )
    let began: (pid: number) => void = () => {}
    const started = new Promise<number>((resolve) => {
      began = resolve
    })
    const host = await LambdaHost.open({ zip, onLog: (line) => began(Number(line)) })
    const call = host.invoke({}).catch((error: { code: string }) => error.code)
    const pid = await started
    await host.close()
    expect(await call).toBe('DISPOSED')
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await expect(host.invoke({})).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(host.close()).resolves.toBeUndefined()
  })
})
