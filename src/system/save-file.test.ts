import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveFile } from './save-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-save-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('saveFile', () => {
  it('leaves a file of the user alone that is named like a half-written one', async () => {
    await writeFile(join(folder, 'x.jpg.part'), 'mine')
    await saveFile(join(folder, 'x.jpg'), 'picture')
    expect((await readdir(folder)).sort()).toEqual(['x.jpg', 'x.jpg.part'])
    expect(await readFile(join(folder, 'x.jpg.part'), 'utf8')).toBe('mine')
  })
  it('lets several write one file at once, and one of them wins whole', async () => {
    const path = join(folder, 'below', 'y.txt')
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000))
    await Promise.all(texts.map((text) => saveFile(path, text)))
    expect(texts).toContain(await readFile(path, 'utf8'))
    expect(await readdir(join(folder, 'below'))).toEqual(['y.txt'])
  })
})
