import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chdir, cwd } from 'node:process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { readSettings } from './config.ts'

const SPEC = {
  tolerant: { type: 'boolean', says: 'bears it' },
  format: { type: 'string', says: 'how', own: true, choices: ['text', 'json'] },
  out: { type: 'string', says: 'where', own: true },
} as const

const before = cwd()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-config-'))
  // The file is looked for in the working folder, which is of the whole process.
  chdir(folder)
})
afterAll(async () => {
  chdir(before)
  await rm(folder, { recursive: true, force: true })
})

const settings = async (env: Record<string, string>, args: string[] = []) =>
  (await readSettings({ name: 'convert', options: SPEC }, args, env)).values

describe('a boolean variable', () => {
  it.each(['1', 'true', 'YES', 'on'])('%j is yes', async (word) => {
    expect(await settings({ BOXLET_TOLERANT: word })).toEqual({ tolerant: true })
  })
  it.each(['0', 'False', 'no', 'off'])('%j is no', async (word) => {
    expect(await settings({ BOXLET_TOLERANT: word })).toEqual({ tolerant: false })
  })
  it('counts as unset when it is empty', async () => {
    expect(await settings({ BOXLET_TOLERANT: '' })).toEqual({})
  })
  it.each(['jep', 'truee', ' '])('%j is refused', async (word) => {
    await expect(settings({ BOXLET_TOLERANT: word })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `Expected true or false for BOXLET_TOLERANT but received "${word}".`,
    })
  })
})

describe("an option of the verb's own", () => {
  it('is not read from a variable or the top of the file, where it is another verb that is meant', async () => {
    await writeFile('boxlet.config.json', '{ "format": "csv", "out": "marked" }')
    expect(await settings({ BOXLET_FORMAT: 'csv', BOXLET_OUT: 'marked' })).toEqual({})
  })
  it('is read from the section of its verb, and from the flag before that', async () => {
    await writeFile('boxlet.config.json', '{ "format": "csv", "convert": { "format": "json", "out": "a" } }')
    expect(await settings({})).toEqual({ format: 'json', out: 'a' })
    expect(await settings({}, ['--out', 'b'])).toEqual({ format: 'json', out: 'b' })
  })
  it('keeps settings of detect from reaching other verbs', async () => {
    await writeFile('boxlet.config.json', '{ "format": "csv", "out": "marked" }')
    const env = { BOXLET_FORMAT: 'csv', BOXLET_OUT: 'marked' }
    expect(await boxlet(['template'], { env })).toMatchObject({ code: 0, err: '' })
  })
})

describe('an option with a default', () => {
  const OPTIONS = { size: { type: 'number', says: 'how much', default: 3, max: 9 } } as const
  const size = async (args: string[], env = {}) =>
    (await readSettings({ name: 'convert', options: OPTIONS }, args, env)).values.size

  it('is always there, and gives way to a flag and a variable', async () => {
    expect(await size([])).toBe(3)
    expect(await size([], { BOXLET_SIZE: '4' })).toBe(4)
    expect(await size(['--size', '5'], { BOXLET_SIZE: '4' })).toBe(5)
    await expect(size(['--size', '10'])).rejects.toMatchObject({ code: 'USAGE' })
  })
})
