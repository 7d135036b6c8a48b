import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation'
import { buildTemplate } from '../../src/aws/template/template.ts'

export const REGION = 'eu-west-1'
/** For clients and for the command line, in this process or in one of its own. */
export const awsVariables = (endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: REGION,
})

/** The template with its log groups and no functions, which moto could not run anyway. */
export function logsTemplate(): string {
  const { Parameters, Conditions, Resources, Outputs } = buildTemplate('0'.repeat(64))
  return JSON.stringify({
    AWSTemplateFormatVersion: '2010-09-09',
    Parameters,
    Conditions,
    Resources: { LogGroup: Resources.LogGroup, WorkerLogGroup: Resources.WorkerLogGroup },
    Outputs: {
      Endpoint: { Value: 'https://function.example/' },
      LogGroupName: Outputs.LogGroupName,
      // The bucket itself is left out, and moto cannot answer for what names it.
      DataBucketName: { ...Outputs.DataBucketName, Value: { Ref: 'DataBucketName' } },
    },
  })
}

export async function createStack(
  endpoint: string,
  name: string,
  parameters: Record<string, string> = {},
): Promise<void> {
  await new CloudFormationClient({ endpoint, region: REGION }).send(
    new CreateStackCommand({
      StackName: name,
      TemplateBody: logsTemplate(),
      Parameters: stackParameters(parameters),
    }),
  )
}

export const stackParameters = (parameters: Record<string, string> = {}) =>
  Object.entries({ CodeBucket: 'packages', CodeKey: 'code.zip', ...parameters }).map(
    ([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }),
  )
