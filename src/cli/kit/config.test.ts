import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chdir, cwd } from 'node:process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { readSettings } from './config.ts'

const SPEC = {
  tolerant: { type: 'boolean' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
  out: { type: 'string', own: true },
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
  (await readSettings('convert', args, SPEC, env)).values

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
  it('is every --format and --out but those of detect', async () => {
    const wrong: string[] = []
    for (const name of await readdir(import.meta.dirname)) {
      if (name === 'detect.ts' || name.includes('.test.')) {
        continue
      }
      const source = await readFile(join(import.meta.dirname, name), 'utf8')
      for (const [, spec] of source.matchAll(/\b(?:format|out): (\{ type: '[^}]*\})/g)) {
        const readsSettings = source.includes('readSettings') || source.includes('OptionSpec')
        if (readsSettings && !spec!.includes('own: true')) {
          wrong.push(`${name}: ${spec}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })
})
