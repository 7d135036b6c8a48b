import {
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { artefactsOf } from '../../src/aws/deploy/artefacts.ts'
import type { PackageResult } from '../../src/aws/package/build-package.ts'
import { deployment, record, smallPackage } from './deployment.ts'
import { motoServer } from './tools.ts'

describe.skipIf(motoServer === undefined)('packages in S3', () => {
  const aws = deployment()
  const deploy = (built: PackageResult) => aws.deploy({ built: { package: built, record } })
  const keyOf = (built: PackageResult) => artefactsOf(aws.bucket, built).codeKey
  const packages = async () =>
    Object.keys(await aws.objects(aws.bucket))
      .filter((key) => key.startsWith('packages/'))
      .sort()

  it('lie under their hash in a bucket that is closed and forgets nothing', async () => {
    const code = smallPackage('code')
    await deploy(code)
    expect(await aws.objects(aws.bucket)).toMatchObject({ [`packages/${code.sha256}.zip`]: 4 })
    const Bucket = aws.bucket
    const access = await aws.session.s3.send(new GetPublicAccessBlockCommand({ Bucket }))
    expect(Object.values(access.PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true])
    const { Rules = [] } = await aws.session.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    expect(Rules.map(({ ID, Expiration }) => [ID, Expiration])).toEqual([['unfinished uploads', undefined]])
  })

  it('go when no version of a stack refers to them, but for the one before', async () => {
    const [one, two, three] = ['one', 'two', 'three'].map(smallPackage) as [
      PackageResult,
      PackageResult,
      PackageResult,
    ]
    await aws.deploy({ stack: 'other', built: { package: one, record } })
    for (const built of [one, two, three]) await deploy(built)
    // The first of them serves the other stack.
    expect(await packages()).toEqual([one, two, three].map(keyOf).sort())
    expect(aws.steps.join()).toContain('Deleted 1 objects of former packages.')
  })

  it('of a plan that was declined go with the next deployment', async () => {
    const [declined, next] = [smallPackage('declined'), smallPackage('next')]
    await aws.deploy({ built: { package: declined, record }, confirm: async () => false })
    expect(await packages()).toContain(keyOf(declined))
    await deploy(next)
    expect(await packages()).not.toContain(keyOf(declined))
    expect(await packages()).toContain(keyOf(smallPackage('three')))
  })

  it('that have gone are asked for by name', async () => {
    const code = smallPackage('next')
    await aws.session.s3.send(new DeleteObjectCommand({ Bucket: aws.bucket, Key: keyOf(code) }))
    await expect(aws.deploy({ built: undefined })).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--model'),
    })
    await deploy(code)
    expect(await packages()).toContain(keyOf(code))
  })

  it('keep models apart that share a graph and differ in their class names', async () => {
    const withModel = (names: string): PackageResult => ({
      ...smallPackage('code'),
      model: {
        place: 's3',
        manifest: { sha256: 'a'.repeat(64) } as never,
        files: [
          { name: 'model/manifest.json', bytes: Buffer.from(names) },
          { name: 'model/model.onnx', bytes: Buffer.from('graph') },
        ],
      },
    })
    const [cats, dogs] = [withModel('cats'), withModel('dogs')]
    const folders = [cats, dogs].map((built) =>
      artefactsOf(aws.bucket, built).modelLocation.slice(aws.bucket.length + 1),
    )
    await deploy(cats)
    const { parameters } = await deploy(dogs)
    expect(parameters.ModelLocation).toBe(`${aws.bucket}/${folders[1]}`)
    expect(String(await aws.read(aws.bucket, `${folders[0]}/manifest.json`))).toBe('cats')
    expect(String(await aws.read(aws.bucket, `${folders[1]}/manifest.json`))).toBe('dogs')
    await deploy(smallPackage('other code'))
    await deploy(smallPackage('more code'))
    const models = Object.keys(await aws.objects(aws.bucket)).filter((key) => key.startsWith('models/'))
    expect(models).toEqual([])
  })
})
