import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KNOWN_FAMILIES } from '../src/families/known.ts'

const page = readFileSync(resolve(import.meta.dirname, '../docs/families.md'), 'utf8')

describe('docs/families.md', () => {
  it('has a row for every family', () => {
    expect(
      KNOWN_FAMILIES.filter(({ name }) => !page.includes(`\`${name}\``)).map(({ name }) => name),
    ).toEqual([])
  })

  it('names no family that does not exist', () => {
    const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1])
    const known = new Set(KNOWN_FAMILIES.map(({ name }) => name))
    expect(rows.filter((name) => !known.has(name!))).toEqual([])
  })
})
