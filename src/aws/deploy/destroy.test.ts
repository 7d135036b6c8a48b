import { SSMClient } from '@aws-sdk/client-ssm'
import { afterEach, expect, it, vi } from 'vitest'
import { inventory } from './destroy.ts'
import { type Answers, FakeStack, fakeSession, serviceError } from './session.fixture.ts'

afterEach(() => vi.restoreAllMocks())

const parameters = (values: Record<string, string>) =>
  Object.entries(values).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }))

it('counts a bucket among the data only when a stack has made it', async () => {
  const stack = new FakeStack(['CREATE_COMPLETE'], {
    Parameters: parameters({ DataBucketName: 'photos', CreateDataBucket: 'false', CodeBucket: 'b' }),
  })
  const found = async (tag: string) =>
    inventory(
      fakeSession({
        ...stack.answers,
        GetBucketTagging: () => ({ TagSet: [{ Key: 'boxlet:stack', Value: tag }] }),
        ListObjectsV2: () => ({ KeyCount: 7 }),
      }).session,
      'test',
    )
  expect((await found('another'))?.dataBucket).toBeUndefined()
  expect((await found('test'))?.dataBucket).toEqual({ name: 'photos', objects: 7 })
})

it('knows the data of a first deployment that failed, which has no outputs', async () => {
  const stack = new FakeStack(['ROLLBACK_COMPLETE'], { Parameters: parameters({ DataBucketName: 'photos' }) })
  const { session } = fakeSession({ ...stack.answers, ListObjectsV2: () => ({ KeyCount: 0 }) })
  expect(await inventory(session, 'test')).toMatchObject({ dataBucket: { name: 'photos', objects: 0 } })
})

it('does not take a bucket that may not be looked at for none', async () => {
  const stack = new FakeStack(['CREATE_COMPLETE'], { Parameters: parameters({ DataBucketName: 'photos' }) })
  const { session } = fakeSession({
    ...stack.answers,
    ListObjectsV2: () => Promise.reject(serviceError('AccessDenied', 403)),
  })
  await expect(inventory(session, 'test')).rejects.toMatchObject({ code: 'AWS_FAILED' })
})

/** An account with the stack `test` and another one. */
function twoStacks(own: Record<string, string>, other: Record<string, string>, more: Answers = {}) {
  const [mine, others] = [
    { StackName: 'test', StackStatus: 'CREATE_COMPLETE', Parameters: parameters(own) },
    { StackName: 'other', StackStatus: 'CREATE_COMPLETE', Parameters: parameters(other) },
  ]
  return fakeSession({
    DescribeStacks: ({ StackName }: { StackName?: string }) => ({
      Stacks: StackName === undefined ? [mine, others] : [mine],
    }),
    ListObjectsV2: () => ({ KeyCount: 7 }),
    ...more,
  })
}

it('keeps a bucket of a stack that stands where another stack has taken it over', async () => {
  const { session } = twoStacks(
    { DataBucketName: 'photos', CreateDataBucket: 'true', CodeBucket: 'b' },
    { DataBucketName: 'photos', CreateDataBucket: 'false' },
  )
  expect(await inventory(session, 'test')).toMatchObject({
    dataBucket: undefined,
    shared: [{ what: 'the bucket photos', usedBy: ['other'] }],
  })
})

it('offers what no other stack has, and looks at the others only where there is something to lose', async () => {
  const { session } = twoStacks({ DataBucketName: 'photos' }, { DataBucketName: 'other-photos' })
  expect(await inventory(session, 'test')).toMatchObject({ dataBucket: { name: 'photos' }, shared: [] })
  const listed: unknown[] = []
  const { session: plain } = fakeSession({
    DescribeStacks: ({ StackName }: { StackName?: string }) => {
      listed.push(StackName)
      return { Stacks: [{ StackName: 'test', StackStatus: 'CREATE_COMPLETE' }] }
    },
    ListObjectsV2: () => ({ KeyCount: 0 }),
  })
  await inventory(plain, 'test')
  expect(listed).toEqual(['test'])
})

it('keeps keys that another stack names as its own', async () => {
  vi.spyOn(SSMClient.prototype, 'send').mockImplementation(async () => ({ Parameter: {} }))
  const keys = { KeysParameter: '/boxlet/test/keys' }
  const found = async (other: Record<string, string>) => inventory(twoStacks(keys, other).session, 'test')
  expect(await found(keys)).toMatchObject({
    keysParameter: undefined,
    shared: [{ what: 'the keys in /boxlet/test/keys', usedBy: ['other'] }],
  })
  expect(await found({})).toMatchObject({ keysParameter: '/boxlet/test/keys', shared: [] })
})
