import {
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { describe, expect, it, vi } from 'vitest'
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
    for (const built of [one, two, three]) {
      await deploy(built)
    }
    // The first of them serves the other stack.
    expect(await packages()).toEqual([one, two, three].map(keyOf).sort())
    expect(aws.steps.join()).toContain('Deleted 1 object of former packages.')
  })

  it.each([
    ['declined', async () => false],
    ['interrupted', () => Promise.reject(new Error('Ctrl-C'))],
  ])(
    'of a plan that was %s are taken back, and with a first one the bucket that was made',
    async (_name, confirm) => {
      const declined = { built: { package: smallPackage('declined'), record }, confirm }
      const before = await aws.objects(aws.bucket)
      const note = String(await aws.read(aws.bucket, 'stacks/test.json'))
      await aws.deploy(declined).catch(() => {})
      expect(await aws.objects(aws.bucket)).toEqual(before)
      expect(String(await aws.read(aws.bucket, 'stacks/test.json'))).toBe(note)
      expect(aws.steps.join()).toContain('Deleted what was uploaded: 1 object')
      const first = { ...declined, stack: 'first', artefactBucket: 'bucket-of-a-first-one' }
      await aws.deploy(first).catch(() => {})
      await expect(aws.objects(first.artefactBucket)).rejects.toMatchObject({ name: 'NoSuchBucket' })
    },
  )

  it('of a plan that was declined stay where a stack refers to them', async () => {
    const shared = smallPackage('three')
    await aws.deploy({ stack: 'first', built: { package: shared, record }, confirm: async () => false })
    expect(await packages()).toContain(keyOf(shared))
    expect(await aws.objects(aws.bucket)).not.toHaveProperty(['stacks/first.json'])
  })

  it('are named with a command that deletes them where they cannot be taken back', async () => {
    const declined = (stack: string) => smallPackage(`declined for ${stack}`)
    const told = async (stack: string) => {
      const send = aws.session.s3.send.bind(aws.session.s3)
      const refusing = vi.spyOn(aws.session.s3, 'send').mockImplementation((async (command: never) => {
        if ((command as object) instanceof ListObjectsV2Command) {
          throw new Error('AccessDenied')
        }
        return send(command)
      }) as typeof send)
      await aws.deploy({ stack, built: { package: declined(stack), record }, confirm: async () => false })
      refusing.mockRestore()
      return aws.steps.at(-1)
    }
    expect(await told('test')).toContain(
      `"aws s3 rm s3://${aws.bucket}/${keyOf(declined('test'))}" deletes it.`,
    )
    expect(await told('first')).toContain(
      `Kept: what was uploaded in ${aws.bucket}; "boxlet destroy --stack first --region eu-west-1 --delete-artefacts" deletes it.`,
    )
    await aws.destroy('first', { deleteArtefacts: true })
    expect(await packages()).not.toContain(keyOf(declined('first')))
  })

  it('that have gone are asked for by name', async () => {
    const code = smallPackage('three')
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
