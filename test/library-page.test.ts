import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { libraryPage } from '../scripts/library-page.js'

const ROOT = join(import.meta.dirname, '..')
const MARK = '<!-- What follows is generated'
const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8')

describe('the page of the library', () => {
  it('holds what the code declares', () => {
    expect(page, 'Run npm run build && node scripts/library-page.js').toBe(libraryPage())
  })

  it('has examples that compile against the library', () => {
    const client = readFileSync(join(ROOT, 'docs/client.md'), 'utf8')
    const written = page.slice(0, page.indexOf(MARK)) + client
    const examples = [...written.matchAll(/^```ts\n(.*?)^```/gms)]
    expect(examples.length).toBeGreaterThan(3)
    mkdirSync(join(ROOT, '.cache'), { recursive: true })
    const folder = mkdtempSync(join(ROOT, '.cache/examples-'))
    try {
      for (const [i, [, code]] of examples.entries()) {
        writeFileSync(join(folder, `example-${i}.ts`), `${code}\nexport {}\n`)
      }
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          extends: '../../tsconfig.json',
          compilerOptions: {
            paths: {
              boxlet: ['../../dist/index.d.ts'],
              'boxlet/client': ['../../dist/client/index.d.ts'],
            },
          },
          include: ['*.ts'],
        }),
      )
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
      expect(spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout).toBe('')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
