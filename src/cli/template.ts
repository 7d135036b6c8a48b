import { stringify } from 'yaml'
import { samTemplate } from '../aws/template/sam.ts'
import { buildTemplate } from '../aws/template/template.ts'
import { optionsAlone } from './deploy/stack-name.ts'
import { readSettings } from './kit/config.ts'
import type { ExitCode, Io, Verb } from './kit/verb.ts'

const OPTIONS = {
  kind: { type: 'string', choices: ['cloudformation', 'sam'] },
  'code-hash': { type: 'string' },
  'code-uri': { type: 'string' },
  format: { type: 'string', own: true, choices: ['yaml', 'json'] },
} as const

export const verb: Verb = {
  name: 'template',
  summary: 'Print the CloudFormation or SAM template of the stack.',
  help: `boxlet template [options]

Prints what "boxlet deploy" deploys, for those who deploy in another way.

  --kind K              cloudformation | sam (default cloudformation)
  --code-hash H         hash of the package; a new one publishes a new version of the function
  --code-uri PATH       package that the SAM template names (default boxlet-arm64.zip)
  --format F            yaml | json (default yaml)

Examples
  boxlet template > boxlet.yaml
  boxlet template --kind sam > template.yaml
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('template', args, OPTIONS, io.env)
  optionsAlone('template', positionals, 'Name the form with --kind.')
  const template =
    values.kind === 'sam'
      ? samTemplate(values['code-uri'] ?? 'boxlet-arm64.zip')
      : buildTemplate(values['code-hash'])
  const text =
    values.format === 'json'
      ? `${JSON.stringify(template, null, 2)}\n`
      : stringify(template, { lineWidth: 110, aliasDuplicateObjects: false })
  io.stdout.write(text)
  return 0
}
