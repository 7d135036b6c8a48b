import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { JOB_DEFAULTS } from '../../src/jobs/defaults.ts'

it('the page of jobs names every default with its reason', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/jobs.md'), 'utf8')
  const code = readFileSync(join(import.meta.dirname, '../../src/jobs/defaults.ts'), 'utf8')
  for (const name of Object.keys(JOB_DEFAULTS)) {
    const reason = new RegExp(`/\\*\\* ([^\\n]+) \\*/\\n {2}${name}:`).exec(code)?.[1]
    // Some share the reason of the one before them.
    if (reason !== undefined) {
      const line = page.split('\n').find((text) => text.startsWith(`| \`${name}\` |`))
      expect(line).toContain(reason)
    }
  }
})
