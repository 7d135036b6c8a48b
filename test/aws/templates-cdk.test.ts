import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import type { Resource, Template } from '../../src/aws/template/cloudformation.ts'
import { streetModel } from '../support/street.ts'
import { packageFile, synthesise } from './templates-forms.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-cdk-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Props = Record<string, unknown>
const one = (props: Props): Promise<Template> =>
  synthesise(folder, (_stack, make) => make('Detector', { package: packageFile(folder), ...props }))
const ofType = (template: Template, type: string): Resource[] =>
  Object.values(template.Resources).filter(({ Type }) => Type === type)
const functions = (template: Template): Resource[] =>
  ofType(template, 'AWS::Lambda::Function').filter(({ Properties }) =>
    JSON.stringify(Properties).includes('BOXLET_SERVICE'),
  )
const variables = ({ Properties }: Resource): Record<string, unknown> =>
  (Properties.Environment as { Variables: Record<string, unknown> }).Variables
const keyOf = (code: unknown): string => (code as { S3Key: string }).S3Key
const ASSET = /^[0-9a-f]{64}\.zip$/

describe('the CDK construct', () => {
  it('adds no parameters to the stack', async () => {
    expect(Object.keys((await one({})).Parameters)).toEqual(['BootstrapVersion'])
  })

  it('refuses what the rules of the template refuse, and parameters that it does not have', async () => {
    await expect(one({ auth: 'keys' })).rejects.toThrow('KeysParameter or KeysSecretArn')
    await expect(one({ parameters: { SubnetIds: ['subnet-1'] } })).rejects.toThrow('SecurityGroupIds')
    await expect(one({ parameters: { Memory: 1 } })).rejects.toThrow('"Memory"')
  })

  it('takes values that only a deployment knows, and lists', async () => {
    const template = await synthesise(folder, (stack, make) =>
      make('Detector', {
        package: packageFile(folder),
        parameters: {
          KmsKeyArn: new Key(stack, 'Key').keyArn,
          SubnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
          SecurityGroupIds: ['sg-0a1b2c3d'],
          Streaming: 'false',
        },
      }),
    )
    const [main] = functions(template)
    expect(JSON.stringify(main?.Properties.KmsKeyArn)).toMatch(/\{"Fn::GetAtt":\["Key\w+","Arn"\]\}/)
    expect(main?.Properties.VpcConfig).toEqual({
      SubnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
      SecurityGroupIds: ['sg-0a1b2c3d'],
    })
  })

  it('lets a principal call the live alias and nothing else', async () => {
    const template = await synthesise(folder, (stack, make) => {
      const caller = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') })
      make('Detector', { package: packageFile(folder) }).grantInvoke(caller)
    })
    const [policy] = ofType(template, 'AWS::IAM::Policy')
    const alias = Object.entries(template.Resources).find(([, { Type }]) => Type === 'AWS::Lambda::Alias')![0]
    expect(policy?.Properties.PolicyDocument).toMatchObject({
      Statement: [
        {
          Effect: 'Allow',
          Action: ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'],
          Resource: { Ref: alias },
        },
      ],
    })
  })

  it('stands twice in one stack', async () => {
    const template = await synthesise(folder, (_stack, make) => {
      for (const id of ['First', 'Second']) {
        make(id, { package: packageFile(folder), parameters: { DataBucketName: `${id.toLowerCase()}-data` } })
      }
    })
    const names = (type: string, property: string): unknown[] =>
      ofType(template, type).map(({ Properties }) => Properties[property])
    for (const [type, property, count] of [
      ['AWS::Lambda::Function', 'FunctionName', 4],
      ['AWS::Logs::LogGroup', 'LogGroupName', 4],
      ['AWS::CloudWatch::Dashboard', 'DashboardName', 2],
      ['AWS::S3::Bucket', 'BucketName', 2],
    ] as const) {
      const found = names(type, property).map((name) => JSON.stringify(name))
      expect([type, new Set(found).size, found.length]).toEqual([type, count, count])
    }
    expect(new Set(functions(template).map((main) => variables(main).BOXLET_SERVICE)).size).toBe(2)
  })
})

describe.skipIf(hostArchitecture() === undefined)('the CDK construct with a model', () => {
  const model = (modelIn?: string) => {
    const path = join(folder, 'fridge.onnx')
    copyFileSync(streetModel(), path)
    return { package: undefined, model: path, modelIn, architecture: hostArchitecture() }
  }
  const left = () => readdirSync(tmpdir()).filter((name) => /^boxlet-cdk-\w{6}$/.test(name))

  it('packages it while the app is synthesised, and leaves nothing behind', async () => {
    const before = left()
    const template = await one(model())
    expect(left().filter((name) => !before.includes(name))).toEqual([])
    const [main] = functions(template)
    expect(main?.Properties).toMatchObject({ Architectures: [hostArchitecture()] })
    expect(main?.Properties.Layers).toBeUndefined()
    expect(variables(main!).BOXLET_MODEL).toBeUndefined()
    expect(keyOf(main?.Properties.Code)).toMatch(ASSET)
  })

  it('puts it into a layer', async () => {
    const template = await one(model('layer'))
    const [main] = functions(template)
    const [id, layer] = Object.entries(template.Resources).find(
      ([, { Type, Properties }]) =>
        Type === 'AWS::Lambda::LayerVersion' && String(Properties.LayerName).endsWith('-model'),
    )!
    expect(main?.Properties.Layers).toEqual([{ Ref: id }])
    expect(keyOf(layer.Properties.Content)).toMatch(ASSET)
    expect(keyOf(layer.Properties.Content)).not.toBe(keyOf(main?.Properties.Code))
  })

  it('puts it into a bucket that the function may read, and waits for it', async () => {
    const template = await one(model('s3'))
    const [main] = functions(template)
    const where = JSON.stringify(variables(main!).BOXLET_MODEL)
    const [, hash] = /"\/([0-9a-f]{64})"/.exec(where) ?? []
    expect(where).toContain(`s3://\${ModelLocation}/manifest.json`)
    const deployment = Object.entries(template.Resources).find(
      ([, { Type }]) => Type === 'Custom::CDKBucketDeployment',
    )!
    expect(deployment[1].Properties).toHaveProperty('DestinationBucketKeyPrefix', hash)
    // The name of the bucket comes from the deployment of the model, which makes the function wait for it.
    expect(where).toContain(deployment[0])
    const role = ofType(template, 'AWS::IAM::Role').find((candidate) =>
      JSON.stringify(candidate).includes('logs:PutLogEvents'),
    )
    expect(JSON.stringify(role)).toContain(`arn:\${AWS::Partition}:s3:::\${ModelLocation}/*`)
    expect(JSON.stringify(role)).toContain(`"/${hash}"`)
  })

  it('says what the packaging says when it fails', async () => {
    await expect(one({ package: undefined, model: join(folder, 'none.onnx') })).rejects.toThrow('none.onnx')
    await expect(one({ package: undefined })).rejects.toThrow('model or package')
  })
})
