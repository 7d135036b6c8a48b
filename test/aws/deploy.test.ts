import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artefactBucketName } from '../../src/aws/deploy/artefacts.ts'
import { type DeployOptions, deploy } from '../../src/aws/deploy/deploy.ts'
import { destroy, hasParameter, inventory, putParameter } from '../../src/aws/deploy/destroy.ts'
import { type AwsSession, openSession } from '../../src/aws/deploy/session.ts'
import { describeStack } from '../../src/aws/deploy/stack.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { buildPackage, type PackageResult } from '../../src/aws/package/build-package.ts'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { corpusPath, hasCorpus } from '../corpus.ts'
import { type Bridge, startBridge } from './lambda-bridge.ts'
import { type Moto, startMoto } from './moto.ts'
import { motoServer } from './tools.ts'

const arch = hostArchitecture()
const signal = new AbortController().signal

/**
 * moto does not know aliases and function URLs and fails on references to them. Everything else is deployed as
 * it is; the other tests of this folder look after those.
 */
function forMoto(codeHash: string): Template {
  const template = structuredClone(buildTemplate(codeHash))
  for (const name of ['Alias', 'Url', `Version${codeHash.slice(0, 12)}`]) delete template.Resources[name]
  // An update trips over resources with conditions.
  for (const [name, { Condition }] of Object.entries(template.Resources))
    if (Condition !== undefined) delete template.Resources[name]
  for (const [name, { Condition }] of Object.entries(template.Outputs))
    if (Condition !== undefined) delete template.Outputs[name]
  template.Outputs.Endpoint = { Description: 'Address', Value: 'https://function.example/' }
  let text = JSON.stringify(template)
    .replaceAll('{"Ref":"Alias"}', '{"Ref":"Function"}')
    .replaceAll('[{"Ref":"ModelLayer"}]', '{"Ref":"AWS::NoValue"}')
    // It loses log groups when a stack changes.
    .replaceAll('{"Fn::GetAtt":["LogGroup","Arn"]}', '"*"')
    .replaceAll('{"Ref":"LogGroup"}', '"/aws/lambda/test"')
  // It cannot keep the former value of a list.
  for (const [name, parameter] of Object.entries(template.Parameters))
    if (parameter.Type === 'CommaDelimitedList')
      text = text.replaceAll(`{"Ref":"${name}"}`, `{"Fn::Split":[",",{"Ref":"${name}"}]}`)
  return JSON.parse(text.replaceAll('"CommaDelimitedList"', '"String"')) as Template
}

describe.skipIf(motoServer === undefined || !hasCorpus || arch === undefined)(
  'deployment against moto',
  () => {
    let moto: Moto
    let bridge: Bridge
    let session: AwsSession
    let built: PackageResult
    let picture: Uint8Array
    const steps: string[] = []
    const outer = { ...process.env }

    const options = (more: Partial<DeployOptions> = {}): DeployOptions => ({
      stack: 'test',
      artefactBucket: artefactBucketName(session),
      built,
      parameters: { MemorySize: '1024' },
      confirm: async () => true,
      onStep: (step) => steps.push(step),
      onEvent: () => {},
      smokePicture: picture,
      signal,
      pollMs: 50,
      template: forMoto,
      ...more,
    })
    const configuration = () =>
      new LambdaClient({ endpoint: moto.endpoint, region: 'eu-west-1' }).send(
        new GetFunctionConfigurationCommand({ FunctionName: 'test' }),
      )

    beforeAll(async () => {
      moto = await startMoto(motoServer as string)
      bridge = await startBridge(moto.endpoint, () => built.zip)
      Object.assign(process.env, {
        AWS_ENDPOINT_URL: moto.endpoint,
        AWS_ENDPOINT_URL_LAMBDA: bridge.endpoint,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      })
      session = await openSession('eu-west-1')
      built = await buildPackage({
        arch: arch!,
        model: corpusPath('models/yolox-nano.onnx'),
        acceptedLicences: [],
        env: process.env,
        signal,
      })
      picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#888' } })
        .jpeg()
        .toBuffer()
    }, 240_000)
    afterAll(async () => {
      await bridge?.stop()
      await moto?.stop()
      process.env = outer
    })

    it('changes nothing when the plan is declined', async () => {
      const result = await deploy(session, options({ confirm: async () => false }))
      expect(result.outcome).toBe('declined')
      expect(await describeStack(session, 'test')).toBeUndefined()
    })

    it('creates the stack and detects through what it deployed', async () => {
      const result = await deploy(session, options())
      expect(result.outcome).toBe('created')
      expect(result.smoke).toMatchObject({ model: 'yolox-nano', detections: 0 })
      const { MemorySize, Handler, Runtime, Environment } = await configuration()
      expect({ MemorySize, Handler, Runtime }).toEqual({
        MemorySize: 1024,
        Handler: 'index.streaming',
        Runtime: 'nodejs24.x',
      })
      expect(Environment?.Variables).toMatchObject({ BOXLET_AUTH: 'iam', BOXLET_SERVICE: 'test' })
    })

    it('updates what is named, keeps the rest, and uploads no package twice', async () => {
      steps.length = 0
      const result = await deploy(session, options({ parameters: { Timeout: '45' } }))
      expect(result.outcome).toMatch(/updated|unchanged/)
      const { MemorySize, Timeout } = await configuration()
      expect({ MemorySize, Timeout }).toEqual({ MemorySize: 1024, Timeout: 45 })
    })

    it('goes back when the new version does not detect', async () => {
      const broken = { ...built, zip: built.zip.slice(0, 1000), sha256: 'f'.repeat(64) }
      // The emulator reads the code from the package of this test, so the code is the one that is broken.
      const working = built
      built = broken
      const failing = deploy(session, options({ parameters: { Timeout: '60' }, built: broken }))
      await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/DEPLOY_FAILED|AWS_FAILED/) })
      built = working
      expect((await configuration()).Timeout).toBe(45)
    })

    it('never replaces keys', async () => {
      await putParameter(session, '/boxlet/test/keys', '{"version":1,"keys":[]}')
      expect(await hasParameter(session, '/boxlet/test/keys')).toBe(true)
      await expect(putParameter(session, '/boxlet/test/keys', 'other')).rejects.toMatchObject({
        code: 'AWS_FAILED',
      })
    })

    it('deletes the stack, and data only when told to', async () => {
      const found = await inventory(session, 'test')
      expect(found).toMatchObject({ stack: 'test', artefactBucket: artefactBucketName(session) })
      await destroy(session, found!, {
        deleteData: false,
        deleteArtefacts: false,
        onStep: () => {},
        wait: { signal, onEvent: () => {}, pollMs: 50 },
      })
      expect(await describeStack(session, 'test')).toBeUndefined()
      await expect(configuration()).rejects.toThrow()
      const kept = await session.s3.send(new ListObjectsV2Command({ Bucket: artefactBucketName(session) }))
      expect(kept.KeyCount).toBeGreaterThan(0)
      expect(await inventory(session, 'test')).toBeUndefined()
    })
  },
)
