/**
 * Writes the templates below deploy/ from the one template in src/aws/template. Needs `npm run build`.
 *
 *   node scripts/deploy-files.js
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { samTemplate } from '../dist/aws/template/sam.js'
import { buildTemplate } from '../dist/aws/template/template.js'

const folder = join(import.meta.dirname, '../deploy')
writeFileSync(join(folder, 'terraform/template.json'), `${JSON.stringify(buildTemplate('PACKAGEHASH'))}\n`)
writeFileSync(
  join(folder, 'sam/template.yaml'),
  stringify(samTemplate('boxlet-arm64.zip'), { lineWidth: 110, aliasDuplicateObjects: false }),
)
