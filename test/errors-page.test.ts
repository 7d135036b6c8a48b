import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../src/errors.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (.+?) \|$/gm)].map((match) => [match[1]!, match.slice(2)]),
)

describe('docs/errors.md', () => {
  it('lists every code with its kind and meaning, and no other', () => {
    const expected = Object.entries(ERROR_CODES).map(([code, [kind, meaning]]) => [code, [kind, meaning]])
    expect([...rows]).toEqual(expected)
  })
})
