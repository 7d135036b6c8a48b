import { SSMClient } from '@aws-sdk/client-ssm'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Answers, FakeStack, fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { destroy, inventory } from './destroy.ts'

/** Names of parameters with keys, and the stacks that they bear as a tag. */
function parameterStore(stored: Record<string, string | undefined>) {
  vi.spyOn(SSMClient.prototype, 'send').mockImplementation(async (command: object) => {
    const { input } = command as { input: { Name?: string; ParameterFilters?: { Values: string[] }[] } }
    if (input.Name === undefined) {
      const [stack] = input.ParameterFilters?.[0]?.Values ?? []
      const own = Object.keys(stored).filter((name) => stored[name] === stack)
      return { Parameters: own.map((Name) => ({ Name })) }
    }
    if (!(input.Name in stored)) {
      throw serviceError('ParameterNotFound', 400)
    }
    return { Parameter: {} }
  })
}

beforeEach(() => parameterStore({}))
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
  parameterStore({ '/boxlet/test/keys': 'test' })
  const keys = { KeysParameter: '/boxlet/test/keys' }
  const found = async (other: Record<string, string>) => inventory(twoStacks(keys, other).session, 'test')
  expect(await found(keys)).toMatchObject({
    keysParameters: [],
    shared: [{ what: 'the keys in /boxlet/test/keys', usedBy: ['other'] }],
  })
  expect(await found({})).toMatchObject({ keysParameters: ['/boxlet/test/keys'], shared: [] })
})

it('finds all keys that were made for the stack, wherever they are, and tells of those that were there', async () => {
  parameterStore({
    '/boxlet/test/keys': undefined,
    '/team/keys': 'test',
    '/shared': undefined,
    '/o': 'other',
  })
  const found = async (KeysParameter: string) => inventory(twoStacks({ KeysParameter }, {}).session, 'test')
  const own = ['/boxlet/test/keys', '/team/keys']
  expect(await found('/team/keys')).toMatchObject({ keysParameters: own, foreignKeys: undefined })
  expect(await found('/shared')).toMatchObject({ keysParameters: own, foreignKeys: '/shared' })
})

it('needs no right to look at parameters where the stack has no keys', async () => {
  vi.spyOn(SSMClient.prototype, 'send').mockImplementation(() => {
    throw serviceError('AccessDeniedException', 400)
  })
  const found = async (own: Record<string, string>) => inventory(twoStacks(own, {}).session, 'test')
  expect(await found({})).toMatchObject({ keysParameters: [] })
  await expect(found({ KeysParameter: '/boxlet/test/keys' })).rejects.toMatchObject({ code: 'AWS_FAILED' })
})

it('says after Ctrl-C that the stack is gone and how the rest goes', async () => {
  const stack = new FakeStack(['CREATE_COMPLETE'], { Parameters: parameters({ DataBucketName: 'photos' }) })
  stack.after = [undefined]
  const { session } = fakeSession({ ...stack.answers, ListObjectsV2: () => ({ KeyCount: 1 }) })
  const control = new AbortController()
  const found = await inventory(session, 'test')
  const destroying = destroy(session, found!, {
    deleteData: true,
    deleteArtefacts: false,
    onStep: (step) => step.startsWith('Deleting the bucket') && control.abort(),
    wait: { signal: control.signal, onEvent: () => {}, pollMs: 1 },
  })
  await expect(destroying).rejects.toMatchObject({
    code: 'ABORTED',
    hint: expect.stringMatching(/stack test is gone.*same command again/),
  })
})
