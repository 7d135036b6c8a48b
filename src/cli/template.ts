import { stringify } from 'yaml'
import { samTemplate } from '../aws/template/sam.ts'
import { buildTemplate } from '../aws/template/template.ts'
import { FORMAT_OPTION } from './kit/format-option.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  kind: {
    type: 'string',
    says: 'language of the template',
    value: 'K',
    choices: ['cloudformation', 'sam'],
    default: 'cloudformation',
  },
  'code-hash': {
    type: 'string',
    says: 'hash of the package; a new one publishes a new version of the function',
    value: 'H',
  },
  'code-uri': {
    type: 'string',
    says: 'package that the SAM template names',
    value: 'PATH',
    default: 'boxlet-arm64.zip',
    completes: 'file',
  },
  format: { ...FORMAT_OPTION, group: 'Options', choices: ['yaml', 'json'], default: 'yaml' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'template',
  summary: 'Print the CloudFormation or SAM template of the stack.',
  about: 'Prints what "boxlet deploy" deploys, for those who deploy in another way.',
  hint: 'Name the form with --kind.',
  options: OPTIONS,
  examples: ['boxlet template > boxlet.yaml', 'boxlet template --kind sam > template.yaml'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const template =
    values.kind === 'sam' ? samTemplate(values['code-uri']) : buildTemplate(values['code-hash'])
  const text =
    values.format === 'json'
      ? `${JSON.stringify(template, null, 2)}\n`
      : stringify(template, { lineWidth: 110, aliasDuplicateObjects: false })
  io.stdout.write(text)
  return 0
}
