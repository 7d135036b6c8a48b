import { CreateBucketCommand, PutBucketTaggingCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { describe, expect, it } from 'vitest'
import { artefactsOf } from '../../src/aws/deploy/artefacts.ts'
import { inventory } from '../../src/aws/deploy/destroy.ts'
import { hasParameter, planKeys } from '../../src/aws/deploy/keys.ts'
import { describeStack } from '../../src/aws/deploy/stack.ts'
import { boxlet } from '../support/boxlet.ts'
import { deployment, smallPackage } from './deployment.ts'
import { createStack, REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

describe.skipIf(motoServer === undefined)('destruction against moto', () => {
  const aws = deployment()
  const { codeKey } = artefactsOf('', smallPackage('code'))
  const keysParameter = '/boxlet/test/keys'
  const keysParameters = [keysParameter]
  const all = { deleteData: true, deleteArtefacts: true }

  /** As CloudFormation does with what it makes. */
  const tagged = (Bucket: string, stack: string) =>
    aws.session.s3.send(
      new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'boxlet:stack', Value: stack }] } }),
    )

  it('deletes the stack, and data, keys and packages only when told to', async () => {
    const { s3 } = aws.session
    const Bucket = 'test-pictures'
    const configuration = { LocationConstraint: REGION } as const
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: configuration }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'incoming/a.jpg', Body: 'x' }))
    await tagged(Bucket, 'test')
    const choice = { auth: 'keys', parameter: undefined, secret: undefined, fresh: false }
    const keys = await planKeys(aws.session, 'test', choice, {})
    await aws.deploy({ keys, parameters: { DataBucketName: Bucket } })
    expect(await inventory(aws.session, 'test')).toMatchObject({
      status: 'CREATE_COMPLETE',
      dataBucket: { name: Bucket, objects: 1 },
      keysParameters,
      artefactBucket: aws.bucket,
    })
    await aws.destroy('test')
    expect(await describeStack(aws.session, 'test')).toBeUndefined()
    expect(await hasParameter(aws.session, keysParameter)).toBe(true)
    expect(await aws.objects(Bucket)).toHaveProperty(['incoming/a.jpg'])
    expect(await aws.objects(aws.bucket)).toHaveProperty([codeKey])
  })

  it('deletes what a stack that has gone left, and nothing of other stacks', async () => {
    await aws.deploy({ stack: 'other' })
    expect(await inventory(aws.session, 'test')).toMatchObject({
      status: undefined,
      dataBucket: { name: 'test-pictures', objects: 1 },
      keysParameters,
      artefactBucket: aws.bucket,
    })
    await aws.destroy('test', all)
    expect(await hasParameter(aws.session, keysParameter)).toBe(false)
    await expect(aws.objects('test-pictures')).rejects.toThrow()
    // The same package serves the other stack.
    expect(Object.keys(await aws.objects(aws.bucket))).toEqual([codeKey, 'stacks/other.json'])
    expect(aws.steps.join()).toContain('other stacks use it')
    expect(await inventory(aws.session, 'test')).toBeUndefined()
  })

  it('counts keys as data of the stack that they were made for, and leaves others alone', async () => {
    const deploy = async (parameter: string | undefined) => {
      const choice = { auth: 'keys', parameter, secret: undefined, fresh: false }
      await aws.deploy({ stack: 'other', keys: await planKeys(aws.session, 'other', choice, {}) })
    }
    const ssm = new SSMClient({ endpoint: aws.moto.endpoint, region: REGION })
    const Value = '{"version":1,"keys":[]}'
    await ssm.send(new PutParameterCommand({ Name: '/shared/keys', Value, Type: 'SecureString' }))
    for (const place of [undefined, '/team/keys', '/shared/keys']) {
      await deploy(place)
    }
    expect(await inventory(aws.session, 'other')).toMatchObject({
      keysParameters: ['/boxlet/other/keys', '/team/keys'],
      foreignKeys: '/shared/keys',
    })
  })

  it('deletes the bucket of packages with the last stack', async () => {
    await aws.destroy('other', all)
    await expect(aws.objects(aws.bucket)).rejects.toMatchObject({ name: 'NoSuchBucket' })
    const kept = ['/boxlet/other/keys', '/team/keys', '/shared/keys'].map((name) =>
      hasParameter(aws.session, name),
    )
    expect(await Promise.all(kept)).toEqual([false, false, true])
    expect(await inventory(aws.session, 'other')).toBeUndefined()
  })

  it('never deletes a bucket of packages that the user has named', async () => {
    await aws.deploy({ stack: 'mine', artefactBucket: 'my-own-bucket' })
    await aws.session.s3.send(new PutObjectCommand({ Bucket: 'my-own-bucket', Key: 'mine.txt', Body: 'x' }))
    await aws.destroy('mine', all)
    expect(Object.keys(await aws.objects('my-own-bucket'))).toEqual(['mine.txt'])
  })

  it('keeps a bucket and keys that another stack uses, and says so', async () => {
    const { s3 } = aws.session
    const Bucket = 'first-pictures'
    const configuration = { LocationConstraint: REGION } as const
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: configuration }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'incoming/a.jpg', Body: 'x' }))
    await tagged(Bucket, 'first')
    const choice = { auth: 'keys', parameter: undefined, secret: undefined, fresh: false }
    const keys = await planKeys(aws.session, 'first', choice, {})
    await aws.deploy({ stack: 'first', keys, parameters: { DataBucketName: Bucket } })
    await expect(
      aws.deploy({ stack: 'second', parameters: { DataBucketName: Bucket } }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(await aws.objects(aws.bucket)).not.toHaveProperty(['stacks/second.json'])
    // Other tools do not ask.
    await createStack(aws.moto.endpoint, 'third', {
      DataBucketName: Bucket,
      KeysParameter: '/boxlet/first/keys',
    })
    const { code, err } = await boxlet(['destroy', '--stack', 'first', '--data', '--yes'])
    expect(code).toBe(0)
    expect(err).toContain(`Kept: the bucket ${Bucket}, which the stack third uses.`)
    expect(err).toContain('Kept: the keys in /boxlet/first/keys, which the stack third uses.')
    expect(await aws.objects(Bucket)).toHaveProperty(['incoming/a.jpg'])
    expect(await hasParameter(aws.session, '/boxlet/first/keys')).toBe(true)
  })
})
