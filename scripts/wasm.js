/**
 * Assembles every `.wat` below src into a module beside it, `NAME-wasm.ts`, so that neither a build nor a user needs
 * the assembler. Run it after a change of a `.wat`; a test compares the two.
 *
 *   node scripts/wasm.js
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import openWabt from 'wabt'

const SRC = join(import.meta.dirname, '../src')

/** Path and text of each module to write. */
export async function assembledModules() {
  const wabt = await openWabt()
  const names = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.wat'),
  )
  return names.map((name) => {
    const parsed = wabt.parseWat(name, readFileSync(join(SRC, name), 'utf8'), { simd: true })
    const { buffer } = parsed.toBinary({})
    parsed.destroy()
    const constant = `${basename(name, '.wat').replaceAll('-', '_').toUpperCase()}_WASM`
    const lines = Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,100}/g)
      .map((line) => `  '${line}'`)
    const text = `/** \`${basename(name)}\`, assembled by \`scripts/wasm.js\`; do not edit. */\nexport const ${constant} =\n${lines.join(' +\n')}\n`
    return { path: join(SRC, name.replace(/\.wat$/, '-wasm.ts')), text }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of await assembledModules()) {
    writeFileSync(path, text)
  }
}
