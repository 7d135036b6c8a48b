import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isGroup } from '../src/cli/kit/verb.ts'
import { allVerbs, VERBS } from '../src/cli/main.ts'

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
  it('name verbs below "model", "dataset" and others that exist', async () => {
    const groups = (await allVerbs()).filter(isGroup)
    expect(groups.length).toBeGreaterThan(2)
    for (const { name, verbs } of groups) {
      const unknown = calls.filter(
        ({ verb, sub }) => verb === name && sub !== undefined && !Object.hasOwn(verbs, sub),
      )
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
