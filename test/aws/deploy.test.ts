import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { artefactBucketName, artefactsOf } from '../../src/aws/deploy/artefacts.ts'
import { type DeployOptions, deploy, type Plan } from '../../src/aws/deploy/deploy.ts'
import { destroy, inventory } from '../../src/aws/deploy/destroy.ts'
import { type CreatedKeys, hasParameter, planKeys } from '../../src/aws/deploy/keys.ts'
import { type PackageRecord, readRecord } from '../../src/aws/deploy/package-record.ts'
import { type AwsSession, openSession } from '../../src/aws/deploy/session.ts'
import { describeStack, parametersOf } from '../../src/aws/deploy/stack.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import { buildPackage, type PackageResult } from '../../src/aws/package/build-package.ts'
import { corpusPath, hasCorpus } from '../corpus.ts'
import { ENDPOINT, type Front, functionArn, startFront } from './aws-front.ts'
import { type Moto, startMoto } from './moto.ts'
import { motoServer } from './tools.ts'

const arch = hostArchitecture()
const signal = new AbortController().signal
const record: PackageRecord = { model: 'yolox-nano.onnx', labels: 'a', contract: 'b', licences: [] }

describe.skipIf(motoServer === undefined || !hasCorpus || arch === undefined)(
  'deployment against moto',
  () => {
    let moto: Moto
    let front: Front
    let session: AwsSession
    let good: PackageResult
    let failing: PackageResult
    let picture: Uint8Array
    let bucket: string
    const steps: string[] = []
    const outer = { ...process.env }

    const options = (more: Partial<DeployOptions> = {}): DeployOptions => ({
      stack: 'test',
      artefactBucket: bucket,
      built: { package: good, record },
      parameters: {},
      confirm: async () => true,
      onStep: (step) => steps.push(step),
      onEvent: () => {},
      smokePicture: picture,
      signal,
      pollMs: 20,
      ...more,
    })
    const wait = { signal, onEvent: () => {}, pollMs: 20 }
    const configuration = () =>
      new LambdaClient({ endpoint: moto.endpoint, region: 'eu-west-1' }).send(
        new GetFunctionConfigurationCommand({ FunctionName: 'test' }),
      )
    const keysIn = async (Bucket: string): Promise<Record<string, number | undefined>> => {
      const { Contents = [] } = await session.s3.send(new ListObjectsV2Command({ Bucket }))
      return Object.fromEntries(Contents.map(({ Key = '', Size }) => [Key, Size]))
    }
    const put = (Bucket: string, Key: string) =>
      session.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const build = (model: string) =>
      buildPackage({ arch: arch!, model, acceptedLicences: [], env: process.env, signal })

    beforeAll(async () => {
      moto = await startMoto(motoServer as string)
      front = await startFront(moto.endpoint)
      Object.assign(process.env, {
        AWS_ENDPOINT_URL: front.endpoint,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      })
      session = await openSession('eu-west-1')
      bucket = artefactBucketName(session)
      good = await build(corpusPath('models/yolox-nano.onnx'))
      // It starts and runs, and has nothing to detect with.
      failing = await build('none')
      picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#888' } })
        .jpeg()
        .toBuffer()
    }, 240_000)
    beforeEach(() => {
      steps.length = 0
      front.calls.length = 0
    })
    afterAll(async () => {
      await front?.stop()
      await moto?.stop()
      process.env = outer
    })

    it('leaves no plan and no stack when the plan is declined', async () => {
      const plans: Plan[] = []
      const result = await deploy(
        session,
        options({
          confirm: async (plan) => {
            plans.push(plan)
            return false
          },
        }),
      )
      expect(result.outcome).toBe('declined')
      expect(plans[0]).toMatchObject({ first: true })
      expect(plans[0]?.changes).toContainEqual(
        expect.objectContaining({ action: 'Add', resource: 'Role', marks: ['permissions'] }),
      )
      expect(front.calls).toContain('CloudFormation DeleteChangeSet')
      expect(await describeStack(session, 'test')).toBeUndefined()
    })

    it('leaves no plan and no stack when the question is interrupted', async () => {
      const asked = deploy(session, options({ confirm: () => Promise.reject(new Error('Ctrl-C')) }))
      await expect(asked).rejects.toThrow('Ctrl-C')
      expect(front.calls).toContain('CloudFormation DeleteChangeSet')
      expect(front.calls).not.toContain('CloudFormation ExecuteChangeSet')
      expect(await describeStack(session, 'test')).toBeUndefined()
    })

    it('creates the stack and detects through what it uploaded', async () => {
      const result = await deploy(session, options({ parameters: { MemorySize: '1024' } }))
      expect(result.outcome).toBe('created')
      expect(result.smoke).toMatchObject({ model: 'yolox-nano', detections: 0 })
      expect(result.outputs).toEqual({
        FunctionName: 'test',
        FunctionArn: functionArn('test'),
        Endpoint: ENDPOINT,
      })
      expect(result.endpoint).toEqual({
        reached: false,
        reason: expect.stringContaining('cannot be resolved'),
      })
      expect(result.parameters).toMatchObject({ MemorySize: '1024', CodeBucket: bucket, Architecture: arch })
      const { MemorySize, Handler, Runtime, Environment, CodeSize } = await configuration()
      expect({ MemorySize, Handler, Runtime, CodeSize }).toEqual({
        MemorySize: 1024,
        Handler: 'index.streaming',
        Runtime: 'nodejs24.x',
        CodeSize: good.zip.length,
      })
      expect(Environment?.Variables).toMatchObject({ BOXLET_AUTH: 'iam', BOXLET_SERVICE: 'test' })
    })

    it('uploads the package under its hash, byte for byte, into a bucket that is closed and forgets nothing', async () => {
      const { codeKey } = artefactsOf(bucket, good)
      expect(codeKey).toBe(`packages/${good.sha256}.zip`)
      const { Body } = await session.s3.send(new GetObjectCommand({ Bucket: bucket, Key: codeKey }))
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(good.zip)).toBe(true)
      const access = await session.s3.send(new GetPublicAccessBlockCommand({ Bucket: bucket }))
      expect(Object.values(access.PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true])
      const { Rules = [] } = await session.s3.send(
        new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }),
      )
      expect(Rules.filter(({ Expiration }) => Expiration !== undefined)).toEqual([])
    })

    it('changes nothing and uploads nothing the second time', async () => {
      const result = await deploy(session, options())
      expect(result.outcome).toBe('unchanged')
      expect(result.smoke).toMatchObject({ model: 'yolox-nano' })
      expect(front.calls.filter((call) => call.startsWith(`S3 PUT /${bucket}/packages/`))).toEqual([])
      expect(front.calls).toContain('CloudFormation DeleteChangeSet')
      expect(front.calls).not.toContain('CloudFormation ExecuteChangeSet')
    })

    it('changes settings without a package, and keeps model, architecture and all else', async () => {
      const before = parametersOf(await describeStack(session, 'test'))
      const result = await deploy(session, options({ built: undefined, parameters: { Timeout: '45' } }))
      expect(result.outcome).toBe('updated')
      expect(front.calls.filter((call) => /^S3 PUT/.test(call))).toEqual([])
      const { MemorySize, Timeout } = await configuration()
      expect({ MemorySize, Timeout }).toEqual({ MemorySize: 1024, Timeout: 45 })
      const stack = await describeStack(session, 'test')
      const { Timeout: _changed, Revision: _other, ...kept } = before
      expect(parametersOf(stack)).toMatchObject(kept)
      expect(readRecord(stack)).toEqual(record)
    })

    it('goes back when the new version runs and does not detect', async () => {
      const before = await describeStack(session, 'test')
      const other = { ...record, model: 'none' }
      const failed = deploy(
        session,
        options({ built: { package: failing, record: other }, parameters: { Timeout: '60' } }),
      )
      await expect(failed).rejects.toMatchObject({
        code: 'DEPLOY_FAILED',
        message: expect.stringContaining('Expected a model in the package'),
        hint: expect.stringContaining('The version before is serving again'),
      })
      const after = await describeStack(session, 'test')
      expect(parametersOf(after)).toEqual(parametersOf(before))
      expect(readRecord(after)).toEqual(record)
      expect((await configuration()).Timeout).toBe(45)
    })

    it('keeps the package before, and deletes those that nobody can go back to', async () => {
      const zips = [1, 2, 3].map((byte) => ({
        ...good,
        zip: new Uint8Array([byte]),
        sha256: String(byte).repeat(64),
      }))
      for (const one of zips)
        await deploy(session, options({ built: { package: one, record }, smokePicture: undefined }))
      const packages = Object.keys(await keysIn(bucket)).filter((key) => key.startsWith('packages/'))
      expect(packages).toEqual([`packages/${'2'.repeat(64)}.zip`, `packages/${'3'.repeat(64)}.zip`])
      expect(steps.join()).toContain('Deleted 1 objects of former packages.')
    })

    it('keeps models apart that share a graph and differ in their class names', async () => {
      const inS3 = (names: string): PackageResult => ({
        ...good,
        model: {
          ...good.model!,
          place: 's3',
          files: good.model!.files.map((file) =>
            file.name.endsWith('.json') ? { ...file, bytes: Buffer.from(names) } : file,
          ),
        },
      })
      const [one, two] = [inS3('one'), inS3('two')]
      const folders = [one, two].map((built) => artefactsOf(bucket, built).modelLocation)
      expect(new Set(folders).size).toBe(2)
      for (const built of [one, two])
        await deploy(session, options({ built: { package: built, record }, smokePicture: undefined }))
      for (const [index, folder] of folders.entries()) {
        const Key = `${folder.slice(bucket.length + 1)}/manifest.json`
        const { Body } = await session.s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
        expect(await Body?.transformToString()).toBe(['one', 'two'][index])
      }
    })

    it('says what to do when the package of a stack has gone', async () => {
      const { codeKey } = artefactsOf(bucket, good)
      await deploy(session, options({ smokePicture: undefined }))
      await session.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: codeKey }))
      await expect(deploy(session, options({ built: undefined }))).rejects.toMatchObject({
        code: 'USAGE',
        hint: expect.stringContaining('--model'),
      })
      await deploy(session, options({ smokePicture: undefined }))
      expect(await keysIn(bucket)).toMatchObject({ [codeKey]: good.zip.length })
    })

    it('makes keys after the yes, shows them at once, and makes more only when told to', async () => {
      const plan = async (fresh = false) =>
        planKeys(
          session,
          'test',
          { auth: 'keys', parameter: undefined, secret: undefined, fresh },
          parametersOf(await describeStack(session, 'test')),
        )
      const shown: CreatedKeys[] = []
      const order: string[] = []
      const run = async (more: Partial<DeployOptions> = {}) =>
        deploy(
          session,
          options({
            smokePicture: undefined,
            built: undefined,
            onKeys: (keys) => {
              shown.push(keys)
              order.push('keys')
            },
            onEvent: () => order.push('event'),
            ...more,
          }),
        )
      await run({ keys: await plan(), confirm: async () => false })
      expect(shown).toEqual([])
      expect(await hasParameter(session, '/boxlet/test/keys')).toBe(false)
      const result = await run({ keys: await plan() })
      expect(result.parameters).toMatchObject({ Auth: 'keys', KeysParameter: '/boxlet/test/keys' })
      expect(shown).toHaveLength(1)
      expect(order[0]).toBe('keys')
      expect((await run({ keys: await plan() })).outcome).toBe('unchanged')
      expect(shown).toHaveLength(1)
      await run({ keys: await plan(true) })
      expect(shown).toHaveLength(2)
      expect(shown[0]?.bearer).not.toBe(shown[1]?.bearer)
    })

    it('deletes the stack, and data, keys and packages only when told to', async () => {
      await session.s3.send(
        new CreateBucketCommand({
          Bucket: 'test-pictures',
          CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
        }),
      )
      await put('test-pictures', 'incoming/a.jpg')
      await deploy(
        session,
        options({
          built: undefined,
          smokePicture: undefined,
          parameters: { DataBucketName: 'test-pictures' },
        }),
      )
      const found = await inventory(session, 'test')
      expect(found).toMatchObject({
        stack: 'test',
        dataBucket: { name: 'test-pictures', objects: 1 },
        keysParameter: '/boxlet/test/keys',
        artefactBucket: bucket,
      })
      await destroy(session, found!, { deleteData: false, deleteArtefacts: false, onStep: () => {}, wait })
      expect(await describeStack(session, 'test')).toBeUndefined()
      await expect(configuration()).rejects.toThrow()
      expect(await hasParameter(session, '/boxlet/test/keys')).toBe(true)
      expect(await keysIn('test-pictures')).toHaveProperty('incoming/a.jpg')
      expect(await keysIn(bucket)).toHaveProperty([artefactsOf(bucket, good).codeKey])
    })

    it('deletes what a stack that has gone left, and nothing of other stacks', async () => {
      await deploy(session, options({ stack: 'other', smokePicture: undefined }))
      const left = await inventory(session, 'test')
      expect(left).toMatchObject({
        status: undefined,
        dataBucket: { name: 'test-pictures' },
        keysParameter: '/boxlet/test/keys',
        artefactBucket: bucket,
      })
      await destroy(session, left!, {
        deleteData: true,
        deleteArtefacts: true,
        onStep: (step) => steps.push(step),
        wait,
      })
      expect(await hasParameter(session, '/boxlet/test/keys')).toBe(false)
      await expect(keysIn('test-pictures')).rejects.toThrow()
      // The same package serves the other stack.
      expect(Object.keys(await keysIn(bucket))).toEqual([
        artefactsOf(bucket, good).codeKey,
        'stacks/other.json',
      ])
      expect(steps.join()).toContain('other stacks use it')
      expect(await inventory(session, 'test')).toBeUndefined()
    })

    it('deletes the bucket of packages with the last stack', async () => {
      const found = await inventory(session, 'other')
      await destroy(session, found!, { deleteData: true, deleteArtefacts: true, onStep: () => {}, wait })
      await expect(keysIn(bucket)).rejects.toMatchObject({ name: 'NoSuchBucket' })
      expect(await inventory(session, 'other')).toBeUndefined()
    })

    it('says plainly what stays up when the first version does not detect', async () => {
      const first = deploy(session, options({ stack: 'first', built: { package: failing, record } }))
      await expect(first).rejects.toMatchObject({
        code: 'DEPLOY_FAILED',
        hint: expect.stringMatching(/no version to go back to.*stays up.*boxlet destroy/),
      })
      expect((await describeStack(session, 'first'))?.StackStatus).toBe('CREATE_COMPLETE')
    })
  },
)
