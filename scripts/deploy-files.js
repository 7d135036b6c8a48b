/**
 * Writes the templates below deploy/ from the one template in src/aws/template. Needs `npm run build`.
 *
 *   node scripts/deploy-files.js
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { samTemplate } from '../dist/aws/template/sam.js'
import { buildTemplate } from '../dist/aws/template/template.js'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'deploy')
const terraform = join(folder, 'terraform/template.json')
writeFileSync(terraform, JSON.stringify(buildTemplate('PACKAGEHASH')))
// The checks of this repository want it laid out as all other files.
execFileSync(process.execPath, [
  join(root, 'node_modules/@biomejs/biome/bin/biome'),
  'format',
  '--write',
  terraform,
])
writeFileSync(
  join(folder, 'sam/template.yaml'),
  stringify(samTemplate('boxlet-arm64.zip'), { lineWidth: 110, aliasDuplicateObjects: false }),
)
