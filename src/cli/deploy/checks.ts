/** What can be wrong with the options of `deploy` and is known before a package is built. */
import { hasFunctionUrls } from '../../aws/deploy/regions.ts'
import { parseArchitecture } from '../../aws/package/architecture.ts'
import { brokenRules } from '../../aws/template/fold.ts'
import { arnPattern } from '../../aws/template/parameter.ts'
import { PARAMETERS, SECRET_ARN } from '../../aws/template/parameters.ts'
import { buildTemplate } from '../../aws/template/template.ts'
import { BoxletError } from '../../errors.ts'
import { list, type StackSettings } from './settings.ts'

const BUCKET = /^(?!xn--|sthree-|\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const BUCKET_WORDS = 'a bucket name (3-63 lower-case letters, digits, dots and hyphens)'

interface Form {
  fits(value: string): boolean
  expected: string
  /** An empty text would take the setting back, which is no place for keys. */
  filled?: true
}

const arnOf = (service: string): RegExp => new RegExp(`^${arnPattern(service)}$`)
const like = (pattern: RegExp, expected: string): Form => ({ fits: (value) => pattern.test(value), expected })

const FORMS = {
  'keys-parameter': {
    ...like(/^(\/[\w.-]+)+$/, 'a name with a leading slash, such as /boxlet/keys,'),
    filled: true,
  },
  'keys-secret': {
    ...like(
      new RegExp(`^${SECRET_ARN}$`),
      'the ARN of a secret, arn:aws:secretsmanager:...-AbCdEf, with the six letters at its end',
    ),
    filled: true,
  },
  pictures: {
    fits: (place) => BUCKET.test(/^arn:aws[a-z-]*:s3:::([^/]+)/.exec(place)?.[1] ?? place),
    expected: 'a bucket name or arn:aws:s3:::NAME',
  },
  'data-bucket': like(BUCKET, BUCKET_WORDS),
  artefacts: { ...like(BUCKET, BUCKET_WORDS), filled: true },
  'role-arn': {
    ...like(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME,'),
    filled: true,
  },
  'base-path': like(new RegExp(PARAMETERS.BasePath!.AllowedPattern!), 'a path such as vision'),
  'alarm-topic': like(arnOf('sns'), 'the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME,'),
  'kms-key': like(arnOf('kms'), 'the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID,'),
  subnets: like(/^subnet-[0-9a-z]+$/, 'subnets such as subnet-0a1b2c'),
  'security-groups': like(/^sg-[0-9a-z]+$/, 'security groups such as sg-0a1b2c'),
} as const satisfies Record<string, Form>

type Checked = StackSettings & { arch?: string; artefacts?: string; 'role-arn'?: string }

/** @throws BoxletError USAGE for the first value that the stack could not take */
export function expectValues(values: Checked): void {
  if (values.arch !== undefined) {
    parseArchitecture(values.arch)
  }
  for (const [name, form] of Object.entries(FORMS) as [keyof typeof FORMS, Form][]) {
    for (const value of [values[name] ?? []].flat().flatMap(list)) {
      if (value === '' ? form.filled : !form.fits(value)) {
        throw wrong(name, form.expected, value)
      }
    }
  }
  const days = values['log-days']
  const allowed = PARAMETERS.LogRetentionDays?.AllowedValues ?? []
  if (days !== undefined && !allowed.includes(days)) {
    throw wrong('log-days', `one of ${allowed.join(', ')}`, String(days))
  }
}

/**
 * @param parameters those that the stack has, and those that were chosen
 * @throws BoxletError USAGE for limits of an HTTP API that the stack will not have
 */
export function expectApi(values: StackSettings, parameters: Record<string, string>): void {
  if (parameters.Front === 'http-api') {
    return
  }
  const limit = (['api-rate', 'api-burst', 'api-logs'] as const).find(
    (name) => values[name] !== undefined && values[name] !== false,
  )
  if (limit === undefined) {
    return
  }
  throw new BoxletError('USAGE', `Expected an HTTP API for --${limit} but the stack has none.`, {
    hint: 'Add --front http-api. The most environments at once, --reserved, limit the function itself.',
  })
}

/**
 * @param parameters those that the stack has, and those that were chosen
 * @throws BoxletError USAGE for a function URL where there are none
 */
export function expectFront({ Front: front = 'url' }: Record<string, string>, region: string): void {
  if (front === 'url' && !hasFunctionUrls(region)) {
    throw new BoxletError(
      'USAGE',
      `Expected a region with function URLs for the stack but received ${region}, which has none.`,
      { hint: 'Add --front http-api, or --front none for invocations alone, or choose another --region.' },
    )
  }
}

const wrong = (option: string, expected: string, received: string): BoxletError =>
  new BoxletError('USAGE', `Expected ${expected} for --${option} but received "${received}".`)

/** As rules of the template name what options set. */
const OPTIONS: Record<string, string> = {
  SubnetIds: '--subnets',
  SecurityGroupIds: '--security-groups',
  KeysParameter: '--keys-parameter',
  KeysSecretArn: '--keys-secret',
  'Streaming "false"': '--no-streaming',
  'Front "http-api"': '--front http-api',
  Timeout: '--timeout',
}

/**
 * @param parameters those that the stack has, and those that were chosen
 * @throws BoxletError USAGE where they break a rule of the template, in the words of the rule
 */
export function expectRules(parameters: Record<string, string>): void {
  const [rule] = brokenRules(buildTemplate(), parameters)
  if (rule === undefined) {
    return
  }
  const hint = Object.entries(OPTIONS).reduce((text, [name, option]) => text.replaceAll(name, option), rule)
  throw new BoxletError('USAGE', 'Expected options that fit together for the stack but received others.', {
    hint,
  })
}
