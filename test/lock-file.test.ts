import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Entry {
  resolved?: string
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}
const lock: { packages: Record<string, Entry> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'),
)
const packages = Object.entries(lock.packages)

describe('package-lock.json', () => {
  it('lists the packages of every platform, without which a clean install fails there', () => {
    const known = new Set(packages.map(([path]) => path.split('node_modules/').at(-1)))
    const wanted = packages.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}))
    expect(wanted.filter((name) => !known.has(name))).toEqual([])
  })
  it('records no download addresses', () => {
    expect(packages.filter(([, entry]) => entry.resolved !== undefined)).toEqual([])
  })
})
