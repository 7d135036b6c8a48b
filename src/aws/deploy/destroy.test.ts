import { expect, it } from 'vitest'
import { inventory } from './destroy.ts'
import { FakeStack, fakeSession, serviceError } from './session.fixture.ts'

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
