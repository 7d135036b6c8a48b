import { stringify } from 'yaml'
import { deployerPolicy } from '../aws/template/deployer-policy.ts'
import { samTemplate } from '../aws/template/sam.ts'
import { buildTemplate } from '../aws/template/template.ts'
import { defined } from '../system/defined.ts'
import { STACK_NAME_OPTIONS, stackName } from './deploy/stack-name.ts'
import { FORMAT_OPTION } from './kit/format-option.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  kind: {
    type: 'string',
    says: 'what to print',
    value: 'K',
    choices: {
      cloudformation: 'the template',
      sam: 'the same for the SAM command line',
      policy: 'the IAM permissions needed to deploy it',
    },
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
  stack: { ...STACK_NAME_OPTIONS.stack, says: 'stack that the policy is for', group: 'Options' },
  artefacts: {
    type: 'string',
    says: 'bucket for packages that the policy names',
    value: 'BUCKET',
    otherwise: 'boxlet-*',
  },
  format: { ...FORMAT_OPTION, group: 'Options', choices: ['yaml', 'json'], default: 'yaml' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'template',
  summary: 'Print the CloudFormation or SAM template of the stack, or the policy for who deploys it.',
  about: 'Prints what "boxlet deploy" deploys, for deploying it with other tools.',
  hint: 'Name the form with --kind.',
  options: OPTIONS,
  examples: [
    'boxlet template > boxlet.yaml',
    'boxlet template --kind sam > template.yaml',
    'boxlet template --kind policy --stack fridge --format json',
  ],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const document = documentOf(values)
  const text =
    values.format === 'json'
      ? // Compact: with blanks it would be more than the 51,200 bytes that CloudFormation takes as text.
        `${JSON.stringify(document, null, values.kind === 'policy' ? 2 : 0)}\n`
      : stringify(document, { lineWidth: 110, aliasDuplicateObjects: false })
  io.stdout.write(text)
  return 0
}

function documentOf(values: Call<typeof OPTIONS>['values']): object {
  switch (values.kind) {
    case 'sam':
      return samTemplate(values['code-uri'])
    case 'policy':
      return deployerPolicy({ stack: stackName(values.stack), ...defined({ artefacts: values.artefacts }) })
    default:
      return buildTemplate(values['code-hash'])
  }
}
