import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { assembledModules } from '../scripts/wasm.js'

it('ships the WebAssembly that its sources assemble to', async () => {
  const modules = await assembledModules()
  expect(modules.length).toBeGreaterThan(0)
  for (const { path, text } of modules) {
    expect(readFileSync(path, 'utf8')).toBe(text)
  }
})
