/** What CloudFormation is asked and answers, as it goes over the wire. */
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { REGION } from './stacks.ts'

export const ENDPOINT = 'https://function.invalid/'
export const functionArn = (stack: string): string =>
  `arn:aws:lambda:${REGION}:123456789012:function:${stack}:live`

/** Of a plan that would change nothing. */
export const unchangedPlan = (id: string) =>
  `<DescribeChangeSetResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeChangeSetResult><ChangeSetId>${id}</ChangeSetId><Status>FAILED</Status><StatusReason>The submitted information didn't contain changes. Submit different information to create a change set.</StatusReason></DescribeChangeSetResult></DescribeChangeSetResponse>`

/** Name of the one stack that is asked about, if that is what is asked. */
export function describedStack(body: Buffer): string | undefined {
  const form = new URLSearchParams(body.toString('utf8'))
  if (form.get('Action') !== 'DescribeStacks') {
    return undefined
  }
  const stack = form.get('StackName') ?? undefined
  return stack?.startsWith('arn:') ? stack.split('/')[1] : stack
}

/** moto forgets the outputs of a stack that a plan has made. The endpoint has a name that nobody can have. */
export function withOutputs(xml: string, stack: string): string {
  const outputs = { FunctionName: stack, FunctionArn: functionArn(stack), Endpoint: ENDPOINT }
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  return xml
    .replace(/<Outputs ?\/>|<Outputs><\/Outputs>/, '')
    .replace(
      /<StackStatus>(?:CREATE|UPDATE)_COMPLETE<\/StackStatus>/,
      (status) => `${status}<Outputs>${members.join('')}</Outputs>`,
    )
}

/** Two plans with the same text change nothing: template, parameters with their defaults, and tags. */
export function wantedOf(form: URLSearchParams, template: Template): string {
  const list = (kind: string, key: string, value: string): [string, string][] =>
    [...form.keys()]
      .map((name) => new RegExp(`^${kind}\\.member\\.(\\d+)\\.${key}$`).exec(name)?.[1])
      .filter((index) => index !== undefined)
      .map((index) => [
        form.get(`${kind}.member.${index}.${key}`) ?? '',
        form.get(`${kind}.member.${index}.${value}`) ?? '',
      ])
  const defaults = Object.entries(template.Parameters).map(([name, { Default = '' }]) => [
    name,
    String(Default),
  ])
  const parameters = {
    ...Object.fromEntries(defaults),
    ...Object.fromEntries(list('Parameters', 'ParameterKey', 'ParameterValue')),
  }
  return JSON.stringify([template, Object.entries(parameters).sort(), list('Tags', 'Key', 'Value').sort()])
}
