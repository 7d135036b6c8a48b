import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
let empty: string
beforeEach(() => {
  vi.resetModules()
  empty = mkdtempSync(join(tmpdir(), 'boxlet-tools-'))
  vi.stubEnv('BOXLET_TEST_AWS_TOOLS', empty)
  vi.stubEnv('PATH', empty)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(empty, { recursive: true, force: true })
})

it('leaves tests out that lack their tool', async () => {
  vi.stubEnv('BOXLET_TEST_AWS_REQUIRED', '')
  expect((await import('./tools.ts')).cfnLint).toBeUndefined()
})

it('leaves no test out whose tool was installed', async () => {
  vi.stubEnv('BOXLET_TEST_AWS_REQUIRED', 'moto_server cfn-lint ')
  await expect(import('./tools.ts')).rejects.toThrow('moto_server')
})

it('leaves out only what could not be installed', async () => {
  vi.stubEnv('BOXLET_TEST_AWS_REQUIRED', 'terraform')
  await expect(import('./tools.ts')).rejects.toThrow('Expected terraform for the tests')
})

it('is told by CI what was installed', () => {
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(
    /install-tools\.sh[\s\S]*export BOXLET_TEST_AWS_REQUIRED[\s\S]*npm test/,
  )
})

it('sets up each tool from the checkout, whichever was set up before it', () => {
  const script = readFileSync(join(root, 'test/aws/install-tools.sh'), 'utf8')
  const moves = script.split('\n').filter((line) => / && cd /.test(line))
  expect(moves.length).toBeGreaterThan(1)
  expect(moves.filter((line) => !line.trim().startsWith('('))).toEqual([])
})
