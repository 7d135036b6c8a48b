import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { optionNames } from '../src/cli/kit/check-settings.ts'
import { VERBS } from '../src/cli/main.ts'

const ROOT = join(import.meta.dirname, '..')
const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

/** `boxlet VERB SUBVERB` in code, with the page that says so. */
const calls = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/`[^`\n]+`|^```[\s\S]*?^```/gm)].flatMap(([code]) =>
    [...code.matchAll(/(?:^|[\s$`(])(?:boxlet|bin\/boxlet\.js) ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm)].map(
      ([call, verb, sub]) => ({ path, call: call.trim(), verb: verb!, sub }),
    ),
  ),
)

describe('README and docs', () => {
  it('link to files that exist', () => {
    const broken = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .filter(([, target]) => !existsSync(join(ROOT, dirname(path), target!)))
        .map(([, target]) => `${path} → ${target}`),
    )
    expect(broken).toEqual([])
  })
  it('name verbs that exist', () => {
    expect(calls.length).toBeGreaterThan(20)
    expect(
      calls
        .filter(({ verb }) => verb !== 'help' && !Object.hasOwn(VERBS, verb))
        .map(({ path, call }) => `${path}: ${call}`),
    ).toEqual([])
  })
  it('name verbs below "model", "dataset" and "keys" that exist', async () => {
    for (const name of ['model', 'dataset', 'keys']) {
      const { help } = (await VERBS[name]!()).verb
      const known = new Set(
        [...help.matchAll(new RegExp(`boxlet ${name} ([a-z]+)`, 'g'))].map(([, sub]) => sub),
      )
      expect(known.size).toBeGreaterThan(1)
      const unknown = calls.filter(({ verb, sub }) => verb === name && sub !== undefined && !known.has(sub))
      expect(unknown.map(({ path, call }) => `${path}: ${call}`)).toEqual([])
    }
  })
  it('name example files that exist', () => {
    const missing = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w/.-])(?:examples|bench|scripts|catalogue)\/[\w./-]+\.\w+/g)]
        .map(([file]) => file)
        .filter((file) => !existsSync(join(ROOT, file)) && !/[A-Z]{4}/.test(file))
        .map((file) => `${path}: ${file}`),
    )
    expect(missing).toEqual([])
  })
})

describe('help', () => {
  it('names every option of the verbs, as the check of settings relies on', async () => {
    const verbs = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb))
    const named = new Set(verbs.flatMap((verb) => [...optionNames(verb)]))
    const folder = join(ROOT, 'src/cli')
    const options = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) =>
        [...readFileSync(join(folder, file), 'utf8').matchAll(/^ +'?([a-z][a-z-]*)'?: \{ type: '/gm)].map(
          ([, option]) => option!,
        ),
      )
    expect(options.length).toBeGreaterThan(50)
    expect([...new Set(options)].filter((option) => !named.has(option))).toEqual([])
  })
})
