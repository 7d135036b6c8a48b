import {
  accountLimits,
  expectCapacity,
  expectShares,
  needsConcurrency,
} from '../../aws/deploy/account-limits.ts'
import { artefactBucketName } from '../../aws/deploy/artefacts.ts'
import { deploy } from '../../aws/deploy/deploy.ts'
import { type CreatedKeys, planKeys } from '../../aws/deploy/keys.ts'
import { readRecord } from '../../aws/deploy/package-record.ts'
import { type AwsSession, openSession } from '../../aws/deploy/session.ts'
import { describeStack, isStanding, parametersOf } from '../../aws/deploy/stack.ts'
import { throwIfAborted, toBoxletError } from '../../errors.ts'
import { loadSharp } from '../../image/decode/load-sharp.ts'
import { confirm, expectTerminal } from '../kit/confirm.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { PACKAGE_OPTIONS } from '../package/options.ts'
import { expectApi, expectFront, expectRules, expectValues } from './checks.ts'
import { checkLines, formatChanges, formatEvent, formatExample, formatKeys } from './output.ts'
import { packageToDeploy } from './package.ts'
import { chosenParameters, keysChoice, STACK_OPTIONS } from './settings.ts'
import { MAX_NEW_NAME, NAME_THE_STACK, STACK_NAME_OPTIONS, stackName } from './stack-name.ts'

const OPTIONS = {
  ...PACKAGE_OPTIONS,
  ...STACK_NAME_OPTIONS,
  ...STACK_OPTIONS,
  artefacts: {
    type: 'string',
    says: 'bucket for packages',
    group: 'Operation',
    value: 'BUCKET',
    otherwise: 'boxlet-ACCOUNT-REGION, created when missing',
  },
  'role-arn': {
    type: 'string',
    says: 'role that CloudFormation makes the resources with',
    group: 'Operation',
    value: 'ARN',
    otherwise: 'your own rights, or the role of the last time',
  },
  smoke: { type: 'boolean', says: 'send no picture at the end', group: 'Operation', negation: 'no' },
  yes: { type: 'boolean', says: 'do not ask', group: 'Operation', short: 'y' },
  format: { ...FORMAT_OPTION, group: 'Operation' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'deploy',
  summary: 'Deploy a model to AWS Lambda behind an HTTPS endpoint.',
  about: `Builds the package, uploads it, shows what will change, asks, changes it, sends a picture, and prints
    the endpoint. Run it again to update: options that are left out keep their value, the model too. An interrupted
    run goes on with the next one. When an update does not detect, the version before comes back.`,
  hint: NAME_THE_STACK,
  options: OPTIONS,
  exits: `0 deployed, 1 deployed but the check could not be made, 2 wrong usage, 3 not deployed. It is no failure
    when the name of a new endpoint does not resolve yet: the function was checked, and the endpoint is skipped.`,
  examples: [
    'boxlet deploy --model yolov8n --accept-licence AGPL-3.0',
    'boxlet deploy --model fridge.onnx --labels class_map.json --stack fridge --auth keys',
    'boxlet deploy --memory 3008 --yes',
  ],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const stack = stackName(values.stack, MAX_NEW_NAME)
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
  expectFront(wanted, session.region)
  expectApi(values, wanted)
  expectShares(wanted)
  await expectEnvironments(session, wanted, parametersOf(before), say, io.signal)
  const built = await packageToDeploy(values, before, io)
  if (built === undefined) {
    say('The package stays as it is.')
  }
  const model = built?.record.model ?? readRecord(before)?.model
  let created: CreatedKeys | undefined
  const result = await deploy(session, {
    stack,
    roleArn: values['role-arn'],
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
  io.stdout.write(`${outputs.Endpoint ?? outputs.ApiEndpoint ?? outputs.FunctionName ?? ''}\n`)
  const { sessionToken } = await session.cloudFormation.config.credentials()
  io.stderr.write(formatExample(result, session.region, created, sessionToken !== undefined))
  return code
}

/** A caller who may not ask the account for its limits deploys without an answer. */
async function expectEnvironments(
  session: AwsSession,
  wanted: Record<string, string>,
  has: Record<string, string>,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!needsConcurrency(wanted)) {
    return
  }
  const limits = await accountLimits(session, signal).catch((error: unknown) => {
    throwIfAborted(signal)
    say(`Whether the account has enough environments is not known. ${toBoxletError(error).message}`)
    return undefined
  })
  if (limits !== undefined) {
    expectCapacity(wanted, has, limits)
  }
}

/** Something to decode; what is in it does not matter, since only the way through is checked. */
async function smokePicture(): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#7799bb' } })
    .jpeg()
    .toBuffer()
}
