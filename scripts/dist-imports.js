/** Writes dist/package.json: the conditional imports of src/package.json, for the JavaScript made from it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const source = readFileSync(join(root, 'src/package.json'), 'utf8')
writeFileSync(join(root, 'dist/package.json'), source.replaceAll('.ts"', '.js"'))
