import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox } from './sandbox.ts'

let folder: string
const zipOf = (name: string, files: Record<string, string>): string => {
  const path = join(folder, name)
  const bytes = Object.entries(files).map(([file, text]) => [file, Buffer.from(text)] as const)
  writeFileSync(path, zipSync(Object.fromEntries(bytes)))
  return path
}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the sandbox of a function', () => {
  it('lets nobody write to its files and folders at any depth, and goes in full', async () => {
    const zip = zipOf('deep.zip', { 'index.mjs': '', 'a/b/c.txt': 'deep' })
    const layer = zipOf('layer.zip', { 'lib/x/y.txt': '' })
    const { task, opt, root, remove } = await createSandbox({ zip, layers: [layer] })
    expect(readFileSync(join(task, 'a/b/c.txt'), 'utf8')).toBe('deep')
    for (const path of [
      task,
      join(task, 'a'),
      join(task, 'a/b'),
      join(task, 'a/b/c.txt'),
      join(opt, 'lib/x'),
    ]) {
      expect(statSync(path).mode & 0o222, path).toBe(0)
    }
    await remove()
    expect(existsSync(root)).toBe(false)
    await expect(remove()).resolves.toBeUndefined()
  })

  it('refuses a zip that would write outside', async () => {
    const zip = zipOf('bad.zip', { '../out.txt': 'x' })
    await expect(createSandbox({ zip })).rejects.toMatchObject({ code: 'USAGE' })
  })
})
