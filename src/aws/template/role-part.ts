import { allow, arn, att, deny, type Resource, ref, sub, type Value, when } from './cloudformation.ts'

/** Name of a function of the stack, as text to substitute. */
export type FunctionName = string

const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]

const functionArn = (name: FunctionName): Value => arn('lambda', `function:${name}`)

/** Variables are decrypted for the function and for each of its versions, and for nothing else. */
const decryptVariables = (name: FunctionName): Value =>
  allow(['kms:Decrypt'], ref('KmsKeyArn'), {
    StringLike: {
      'kms:EncryptionContext:aws:lambda:FunctionArn': [
        functionArn(name),
        arn('lambda', `function:${name}:*`),
      ],
    },
  })

/** Lambda uses the role to attach the function to the network; the code in it has no business there. */
const network = (name: FunctionName): Value[] => [
  // Lambda asks for these before it knows a network interface, so there is no resource to name.
  when('HasVpc', allow(NETWORK_ACTIONS, '*')),
  when(
    'HasVpc',
    deny([...NETWORK_ACTIONS, 'ec2:DetachNetworkInterface'], '*', {
      ArnEquals: { 'lambda:SourceFunctionArn': functionArn(name) },
    }),
  ),
]

/** A role that may do what its function does and nothing else. */
export function role(name: FunctionName, logGroup: string, more: Value[] = []): Resource {
  const statements: Value[] = [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], att(logGroup, 'Arn')),
    when('HasModelLocation', allow(['s3:GetObject'], sub(`arn:\${AWS::Partition}:s3:::\${ModelLocation}/*`))),
    when('HasKmsKey', decryptVariables(name)),
    // X-Ray knows no resources for these actions.
    when('Traces', allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*')),
    ...network(name),
    ...more,
  ]
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        { PolicyName: 'function', PolicyDocument: { Version: '2012-10-17', Statement: statements } },
      ],
    },
  }
}

const parameterArn = arn('ssm', `parameter\${KeysParameter}`)

const through = (service: string, context: string, value: Value): Value => ({
  StringEquals: {
    'kms:ViaService': sub(`${service}.\${AWS::Region}.\${AWS::URLSuffix}`),
    [`kms:EncryptionContext:${context}`]: value,
  },
})

/** Reading the Boxlet keys, and with a customer key decrypting them through their store. */
export const readKeys: Value[] = [
  when('HasKeysParameter', allow(['ssm:GetParameter'], parameterArn)),
  when(
    'HasParameterAndKey',
    allow(['kms:Decrypt'], ref('KmsKeyArn'), through('ssm', 'PARAMETER_ARN', parameterArn)),
  ),
  when('HasKeysSecret', allow(['secretsmanager:GetSecretValue'], ref('KeysSecretArn'))),
  when(
    'HasSecretAndKey',
    allow(['kms:Decrypt'], ref('KmsKeyArn'), through('secretsmanager', 'SecretARN', ref('KeysSecretArn'))),
  ),
]
