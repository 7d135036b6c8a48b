/** What every way to deploy must give, read from a plain CloudFormation template with its conditions decided. */
import type { Resource, Template, Value } from '../../src/aws/template/cloudformation.ts'

export interface StackFacts {
  function: Record<string, unknown>
  url: { auth: unknown; mode: unknown }
  /** "action principal condition", sorted. */
  permissions: string[]
  retention: unknown
  /** Actions that the role of the function may use. */
  roleActions: string[]
  alarms: string[]
  dashboards: number
  alias: unknown
  worker: Record<string, unknown> | undefined
}

const ofType = (template: Template, type: string): Resource[] =>
  Object.values(template.Resources).filter((resource) => resource.Type === type)

function principal(value: Value | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Values of parameters in place of references to them. */
function resolved(value: Value | undefined, parameters: Readonly<Record<string, unknown>>): unknown {
  const name = (value as { Ref?: string } | undefined)?.Ref
  return name !== undefined && name in parameters ? parameters[name] : value
}

function actionsOf(role: Resource): string[] {
  const policies = role.Properties.Policies as unknown as {
    PolicyDocument: { Statement: { Action: string[]; Resource: Value }[] }
  }[]
  return policies
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action, Resource: on }) =>
      Action.map((action) => `${action}${on === '*' ? ' on everything' : ''}`),
    )
    .sort()
}

export function stackFacts(template: Template, parameters: Readonly<Record<string, unknown>>): StackFacts {
  const functions = ofType(template, 'AWS::Lambda::Function')
  const isWorker = ({ Properties }: Resource): boolean =>
    JSON.stringify(Properties).includes('BOXLET_RESULT_PREFIX')
  const main = functions.find((one) => !isWorker(one))!
  const worker = functions.find(isWorker)
  const url = ofType(template, 'AWS::Lambda::Url')[0]!
  const { Properties } = main
  const of = (value: Value | undefined): unknown => resolved(value, parameters)
  const queue = ofType(template, 'AWS::SQS::Queue').find((one) => 'RedrivePolicy' in one.Properties)
  const roles = ofType(template, 'AWS::IAM::Role')
  const workerRole = roles.find((role) => actionsOf(role).includes('sqs:ReceiveMessage'))
  return {
    function: {
      runtime: of(Properties.Runtime),
      architectures: (Properties.Architectures as Value[]).map(of),
      memory: of(Properties.MemorySize),
      timeout: of(Properties.Timeout),
      handler: of(Properties.Handler),
      tracing: of((Properties.TracingConfig as Record<string, Value>).Mode),
    },
    url: { auth: url.Properties.AuthType, mode: url.Properties.InvokeMode },
    permissions: ofType(template, 'AWS::Lambda::Permission')
      .map(
        ({ Properties: it }) =>
          `${it.Action} ${principal(it.Principal)} ${it.FunctionUrlAuthType ?? (it.InvokedViaFunctionUrl ? 'through the URL' : '')}`,
      )
      .sort(),
    retention: of(ofType(template, 'AWS::Logs::LogGroup')[0]?.Properties.RetentionInDays),
    roleActions: actionsOf(roles.find((role) => role !== workerRole)!),
    alarms: ofType(template, 'AWS::CloudWatch::Alarm')
      .map(({ Properties: it }) => String(it.MetricName))
      .sort(),
    dashboards: ofType(template, 'AWS::CloudWatch::Dashboard').length,
    alias: ofType(template, 'AWS::Lambda::Alias')[0]?.Properties.Name,
    worker:
      worker === undefined
        ? undefined
        : {
            handler: worker.Properties.Handler,
            partialFailures: ofType(template, 'AWS::Lambda::EventSourceMapping')[0]?.Properties
              .FunctionResponseTypes,
            visibilityOverTimeout:
              Number(queue?.Properties.VisibilityTimeout) / Number(worker.Properties.Timeout),
            tries: (queue?.Properties.RedrivePolicy as Record<string, Value> | undefined)?.maxReceiveCount,
            roleActions: workerRole === undefined ? [] : actionsOf(workerRole),
          },
  }
}

/** With nothing chosen. */
export const EXPECTED: StackFacts = {
  function: {
    runtime: 'nodejs24.x',
    architectures: ['arm64'],
    memory: 1769,
    timeout: 30,
    handler: 'index.streaming',
    tracing: 'PassThrough',
  },
  url: { auth: 'AWS_IAM', mode: 'RESPONSE_STREAM' },
  permissions: [
    'lambda:InvokeFunction {"Ref":"AWS::AccountId"} through the URL',
    'lambda:InvokeFunctionUrl {"Ref":"AWS::AccountId"} AWS_IAM',
  ],
  retention: 30,
  roleActions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  alarms: ['Duration', 'Errors', 'Faults', 'Throttles'],
  dashboards: 1,
  alias: 'live',
  worker: undefined,
}

/** With keys and a data bucket. */
export const CHOSEN = {
  Auth: 'keys',
  KeysParameter: '/boxlet/test/keys',
  DataBucketName: 'test-pictures',
} as const

export const EXPECTED_CHOSEN: StackFacts = {
  ...EXPECTED,
  url: { auth: 'NONE', mode: 'RESPONSE_STREAM' },
  permissions: ['lambda:InvokeFunction * through the URL', 'lambda:InvokeFunctionUrl * NONE'],
  roleActions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'ssm:GetParameter'],
  alarms: ['ApproximateNumberOfMessagesVisible', 'Duration', 'Errors', 'Faults', 'Throttles'],
  worker: {
    handler: 'index.handler',
    partialFailures: ['ReportBatchItemFailures'],
    visibilityOverTimeout: 6,
    tries: 3,
    roleActions: [
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:PutObject',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'ssm:GetParameter',
    ],
  },
}
