import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { artefactsOf } from '../../src/aws/deploy/artefacts.ts'
import type { DeployOptions, Plan } from '../../src/aws/deploy/deploy.ts'
import { type CreatedKeys, planKeys } from '../../src/aws/deploy/keys.ts'
import { readRecord } from '../../src/aws/deploy/package-record.ts'
import { describeStack, parametersOf } from '../../src/aws/deploy/stack.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { buildPackage, type PackageResult } from '../../src/aws/package/build-package.ts'
import { streetModel } from '../support/street.ts'
import { ENDPOINT, functionArn } from './cloudformation-wire.ts'
import { deployment, record, signal } from './deployment.ts'
import { REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

const arch = hostArchitecture()

describe.skipIf(motoServer === undefined || arch === undefined)('deployment against moto', () => {
  const aws = deployment()
  let good: PackageResult
  let failing: PackageResult
  let smokePicture: Uint8Array

  const deploy = (more: Partial<DeployOptions> = {}) =>
    aws.deploy({ built: { package: good, record }, smokePicture, ...more })
  const configuration = () =>
    new LambdaClient({ endpoint: aws.moto.endpoint, region: REGION }).send(
      new GetFunctionConfigurationCommand({ FunctionName: 'test' }),
    )
  const standing = () => describeStack(aws.session, 'test')

  beforeAll(async () => {
    const build = (model: string) =>
      buildPackage({ arch: arch!, model, acceptedLicences: [], env: process.env, signal })
    good = await build(streetModel())
    // It starts and runs, and has nothing to detect with.
    failing = await build('none')
    smokePicture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#888' } })
      .jpeg()
      .toBuffer()
  }, 240_000)

  it('leaves no plan and no stack when the plan is declined', async () => {
    const plans: Plan[] = []
    const confirm = async (plan: Plan) => {
      plans.push(plan)
      return false
    }
    expect((await deploy({ confirm })).outcome).toBe('declined')
    expect(plans[0]).toMatchObject({ first: true })
    expect(plans[0]?.changes).toContainEqual(
      expect.objectContaining({ action: 'Add', resource: 'Role', marks: ['permissions'] }),
    )
    expect(aws.front.calls).toContain('CloudFormation DeleteChangeSet')
    expect(await standing()).toBeUndefined()
  })

  it('leaves no plan and no stack when the question is interrupted', async () => {
    const asked = deploy({ confirm: () => Promise.reject(new Error('Ctrl-C')) })
    await expect(asked).rejects.toThrow('Ctrl-C')
    expect(aws.front.calls).toContain('CloudFormation DeleteChangeSet')
    expect(aws.front.calls).not.toContain('CloudFormation ExecuteChangeSet')
    expect(await standing()).toBeUndefined()
  })

  it('creates the stack and detects through what it uploaded', async () => {
    const result = await deploy({ parameters: { MemorySize: '1024' } })
    expect(result.outcome).toBe('created')
    expect(result.smoke).toMatchObject({ model: 'street', detections: 6 })
    expect(result.outputs).toEqual({
      FunctionName: 'test',
      FunctionArn: functionArn('test'),
      Endpoint: ENDPOINT,
    })
    expect(result.endpoint).toEqual({
      reached: false,
      reason: expect.stringContaining('cannot be resolved'),
    })
    expect(result.parameters).toMatchObject({
      MemorySize: '1024',
      CodeBucket: aws.bucket,
      Architecture: arch,
    })
    const { MemorySize, Handler, Runtime, Environment, CodeSize } = await configuration()
    expect({ MemorySize, Handler, Runtime, CodeSize }).toEqual({
      MemorySize: 1024,
      Handler: 'index.streaming',
      Runtime: 'nodejs24.x',
      CodeSize: good.zip.length,
    })
    expect(Environment?.Variables).toMatchObject({ BOXLET_AUTH: 'iam', BOXLET_SERVICE: 'test' })
    const { codeKey } = artefactsOf(aws.bucket, good)
    expect((await aws.read(aws.bucket, codeKey)).equals(good.zip)).toBe(true)
  })

  it('changes nothing and uploads nothing the second time', async () => {
    const result = await deploy()
    expect(result.outcome).toBe('unchanged')
    expect(result.smoke).toMatchObject({ model: 'street' })
    expect(aws.front.calls.filter((call) => call.startsWith(`S3 PUT /${aws.bucket}/packages/`))).toEqual([])
    expect(aws.front.calls).toContain('CloudFormation DeleteChangeSet')
    expect(aws.front.calls).not.toContain('CloudFormation ExecuteChangeSet')
  })

  it('changes settings without a package, and keeps model, architecture and all else', async () => {
    const before = parametersOf(await standing())
    const result = await deploy({ built: undefined, parameters: { Timeout: '45' } })
    expect(result.outcome).toBe('updated')
    expect(aws.front.calls.filter((call) => /^S3 PUT (?!\S+\/templates\/)/.test(call))).toEqual([])
    const { MemorySize, Timeout } = await configuration()
    expect({ MemorySize, Timeout }).toEqual({ MemorySize: 1024, Timeout: 45 })
    const { Timeout: _changed, Revision: revision, ...kept } = before
    expect(parametersOf(await standing())).toMatchObject(kept)
    // The version behind the live alias follows the revision.
    expect(parametersOf(await standing()).Revision).not.toBe(revision)
    expect(readRecord(await standing())).toEqual(record)
  })

  it('goes back when the new version runs and does not detect', async () => {
    const before = await standing()
    const built = { package: failing, record: { ...record, model: 'none' } }
    await expect(deploy({ built, parameters: { Timeout: '60' } })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining('Expected a model in the package'),
      hint: expect.stringContaining('The version before is serving again'),
    })
    expect(parametersOf(await standing())).toEqual(parametersOf(before))
    expect(readRecord(await standing())).toEqual(record)
    expect((await configuration()).Timeout).toBe(45)
  })

  it('tells both faults when going back fails too', async () => {
    let executed = 0
    aws.front.refuse = (action) =>
      action === 'ExecuteChangeSet' && ++executed > 1 ? { code: 'AccessDenied', status: 403 } : undefined
    const built = { package: failing, record }
    await expect(deploy({ built })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(/model in the package.*Going back failed too.*AccessDenied/),
      hint: expect.stringContaining('The new version stays'),
    })
    aws.front.refuse = () => undefined
    expect((await deploy()).outcome).toBe('updated')
  })

  it.each([
    ['may not invoke it', 'AccessDeniedException', 403],
    ['calls too often', 'TooManyRequestsException', 429],
  ])('keeps a good version when the one who deploys %s', async (_name, code, status) => {
    aws.front.refuse = (action) => (action === 'Invoke' ? { code, status } : undefined)
    const result = await deploy({ parameters: { Timeout: String(status % 100) } })
    aws.front.refuse = () => undefined
    expect(result.outcome).toBe('updated')
    expect(result.unchecked).toMatchObject({ code: 'AWS_FAILED', message: expect.stringContaining(code) })
    expect((await configuration()).Timeout).toBe(status % 100)
  })

  it('goes back when the endpoint answers and does not detect', async () => {
    const before = parametersOf(await standing())
    const fetch = async () =>
      new Response('{"error":{"code":"MODEL_RUN_FAILED","message":"broken"}}', { status: 500 })
    await expect(deploy({ fetch, parameters: { Timeout: '7' } })).rejects.toThrow('broken')
    expect(parametersOf(await standing())).toEqual(before)
    const detects = async () => Response.json({ model: { name: 'm' }, images: [{ detections: [] }] })
    expect((await deploy({ fetch: detects })).endpoint).toEqual({ reached: true, detects: true })
  })

  it('detects on a stack whose callers need a key', async () => {
    const choice = { auth: 'keys', parameter: undefined, secret: undefined, fresh: false }
    const keys = await planKeys(aws.session, 'test', choice, parametersOf(await standing()))
    const seen: (string | null)[] = []
    const fetch = async (_target: unknown, init?: RequestInit) => {
      seen.push(new Headers(init?.headers).get('authorization'))
      return Response.json({ model: { name: 'm' }, images: [{ detections: [] }] })
    }
    const made: CreatedKeys[] = []
    const result = await deploy({ keys, fetch, onKeys: (created) => made.push(created) })
    expect(result.smoke).toMatchObject({ model: 'street' })
    expect(result.endpoint).toEqual({ reached: true, detects: true })
    expect(seen).toEqual([`Bearer ${made[0]?.bearer}`])
  })

  it('says plainly what stays up when the first version does not detect', async () => {
    const first = deploy({ stack: 'first', built: { package: failing, record } })
    await expect(first).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      hint: expect.stringMatching(/no version to go back to.*stays up.*boxlet destroy/),
    })
    expect((await describeStack(aws.session, 'first'))?.StackStatus).toBe('CREATE_COMPLETE')
  })
})
