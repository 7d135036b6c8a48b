import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'

it('lists keys under a header, in columns', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-keys-'))
  const keys = (...args: string[]) => boxlet(['keys', ...args, '--keys', join(folder, 'keys.json')])
  await keys('create', '--name', 'laptop')
  await keys('create', '--aws')
  const lines = (await keys('list')).out.trimEnd().split('\n')
  expect(lines[0]).toBe('ID                    KIND    CREATED     NAME')
  expect(lines[1]).toMatch(/^\S{1,20} +bearer {2}\d{4}-\d\d-\d\d {2}laptop$/)
  expect(lines[2]?.indexOf('aws')).toBe(lines[0]?.indexOf('KIND'))
  expect(lines).toHaveLength(3)
  await rm(folder, { recursive: true })
})
