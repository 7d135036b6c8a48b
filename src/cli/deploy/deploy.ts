import { artefactBucketName } from '../../aws/deploy/artefacts.ts'
import { deploy } from '../../aws/deploy/deploy.ts'
import { type CreatedKeys, planKeys } from '../../aws/deploy/keys.ts'
import { readRecord } from '../../aws/deploy/package-record.ts'
import { openSession } from '../../aws/deploy/session.ts'
import { describeStack, isStanding, parametersOf } from '../../aws/deploy/stack.ts'
import { loadSharp } from '../../image/decode/load-sharp.ts'
import { readSettings } from '../kit/config.ts'
import { confirm, expectTerminal } from '../kit/confirm.ts'
import type { ExitCode, Io, Verb } from '../kit/verb.ts'
import { PACKAGE_HELP, PACKAGE_OPTIONS } from '../package/options.ts'
import { expectApi, expectRules, expectValues } from './checks.ts'
import { checkLines, formatChanges, formatEvent, formatExample, formatKeys } from './output.ts'
import { packageToDeploy } from './package.ts'
import { chosenParameters, keysChoice, STACK_OPTIONS } from './settings.ts'
import { DEFAULT_STACK, optionsAlone, stackName } from './stack-name.ts'

const OPTIONS = {
  ...PACKAGE_OPTIONS,
  ...STACK_OPTIONS,
  stack: { type: 'string' },
  region: { type: 'string' },
  artefacts: { type: 'string' },
  smoke: { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

export const verb: Verb = {
  name: 'deploy',
  summary: 'Deploy a model to AWS Lambda behind an HTTPS endpoint.',
  help: `boxlet deploy [options]

Builds the package, uploads it, shows what will change, asks, changes it, sends a picture, and prints the
endpoint. Run it again to update: options that are left out keep their value, the model too. An interrupted run
goes on with the next one. When an update does not detect, the version before comes back.

${PACKAGE_HELP}

Stack
  --stack NAME          name of the stack (default ${DEFAULT_STACK})
  --region R            region (default: AWS_REGION or the profile's)
  --memory MB           128-10240 (default 1769, which buys one processor)
  --ephemeral-storage MB  512-10240 of /tmp, billed above 512 (default 512; what a model in S3 needs)
  --timeout S           seconds for a request (default 30)
  --runtime R           nodejs24.x | nodejs22.x (default nodejs24.x)
  --reserved N          most environments at once, which caps the cost (-1: no own cap)
  --provisioned N       environments that are always warm and always billed (default 0)

Access
  --auth A              iam: callers sign with AWS credentials; keys: callers send a Boxlet key (default iam)
  --keys-parameter P    SSM parameter with keys (default /boxlet/STACK/keys, made when it is missing)
  --keys-secret ARN     Secrets Manager secret with keys instead
  --new-keys            makes and shows one more pair of keys; those that exist go on working
  --http-api            adds an API Gateway HTTP API
  --api-rate N          requests a second that the HTTP API lets through (default 50)
  --api-burst N         requests at once that the HTTP API lets through (default 100)
  --no-streaming        answers whole, 6 MB at most
  --cors-origins A,B    origins that browsers may call from
  --pictures BUCKET     bucket whose objects requests may name, or arn:aws:s3:::BUCKET/PREFIX* (may be repeated)
  --data-bucket NAME    makes a bucket, or takes yours: pictures below incoming/ get results below results/
  --worker-concurrency N  most environments at once for those pictures (default 10)

Operation
  --log-days N          days that logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, 180, 365, ... (default 30)
  --watch W             full: alarms and a dashboard, billed by the month; none: neither (default full)
  --alarm-topic ARN     SNS topic for alarms
  --tracing             X-Ray traces
  --kms-key ARN         customer key for variables, logs and keys
  --subnets A,B         subnets of a VPC, with --security-groups A,B
  --artefacts BUCKET    bucket for packages (default boxlet-ACCOUNT-REGION, made when it is missing)
  --no-smoke            sends no picture at the end
  --yes, -y             does not ask
  --format F            text | json (default text)

Exit codes: 0 deployed, 1 deployed but the check could not be made, 3 not deployed. That the name of the endpoint
cannot be resolved yet is no failure: the function was checked, and the endpoint is passed over.

Examples
  boxlet deploy --model yolov8n --accept-licence AGPL-3.0
  boxlet deploy --model fridge.onnx --labels class_map.json --stack fridge --auth keys
  boxlet deploy --memory 3008 --yes
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('deploy', args, OPTIONS, io.env)
  optionsAlone('deploy', positionals)
  const stack = stackName(values.stack)
  expectValues(values)
  const say = (text: string) => io.stderr.write(`boxlet: ${text}\n`)
  // All that can stop the run comes first: nobody wants to wait for a package that cannot be deployed.
  if (!values.yes) {
    expectTerminal(io, '--yes')
  }
  const session = await openSession(values.region, io.signal)
  say(`Deploying "${stack}" to ${session.region} as ${session.caller}.`)
  const found = await describeStack(session, stack, io.signal)
  const before = isStanding(found) ? found : undefined
  const keys = await planKeys(session, stack, keysChoice(values), parametersOf(before))
  const parameters = chosenParameters(values, session.region)
  const wanted = { ...parametersOf(before), ...parameters, ...keys.parameters }
  expectRules(wanted)
  expectApi(values, wanted)
  const built = await packageToDeploy(values, before, io)
  if (built === undefined) {
    say('The package stays as it is.')
  }
  const model = built?.record.model ?? readRecord(before)?.model
  let created: CreatedKeys | undefined
  const result = await deploy(session, {
    stack,
    artefactBucket: values.artefacts ?? artefactBucketName(session),
    built,
    parameters,
    keys,
    confirm: async ({ changes, first }) => {
      io.stderr.write(formatChanges(changes))
      if (values.yes) {
        return true
      }
      return confirm(io, first ? `Create the stack "${stack}"?` : `Change the stack "${stack}"?`, '--yes')
    },
    onKeys: (fresh) => {
      created = fresh
      io.stderr.write(formatKeys(fresh))
    },
    onStep: say,
    onEvent: (event) => io.stderr.write(formatEvent(event)),
    smokePicture: values.smoke === false || model === 'none' ? undefined : await smokePicture(),
    signal: io.signal,
  })
  const { outputs, outcome, smoke, endpoint, unchecked } = result
  if (outcome === 'declined') {
    say('Nothing was changed.')
    return 3
  }
  const code = unchecked === undefined ? 0 : 1
  for (const line of checkLines(result)) {
    say(line)
  }
  if (values.format === 'json') {
    const document = { stack, outcome, outputs, smoke, endpoint, unchecked, keys: created }
    io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
    return code
  }
  io.stdout.write(`${outputs.Endpoint ?? outputs.FunctionName ?? ''}\n`)
  io.stderr.write(formatExample(result, session.region, created))
  return code
}

/** Something to decode; what is in it does not matter, since only the way through is checked. */
async function smokePicture(): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#7799bb' } })
    .jpeg()
    .toBuffer()
}
