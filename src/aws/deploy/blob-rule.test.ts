import { expect, it } from 'vitest'
import { fakeSession } from '../../../test/support/aws-session.ts'
import { expireJobBlobs } from './blob-rule.ts'

const ours = {
  ID: 'blobs-of-jobs',
  Status: 'Enabled',
  Filter: { Prefix: 'jobs/' },
  Expiration: { Days: 35 },
}

it('adds a rule for pictures of jobs to those of a bucket that was taken over', async () => {
  const kept = { ID: 'archive', Status: 'Enabled', Filter: { Prefix: 'old/' }, Expiration: { Days: 400 } }
  const put: unknown[] = []
  const { session } = fakeSession({
    GetBucketLifecycleConfiguration: () => ({ Rules: [kept, { ...ours, Expiration: { Days: 3 } }] }),
    PutBucketLifecycleConfiguration: (input) => put.push(input),
  })
  await expireJobBlobs(session, 'photos')
  expect(put).toEqual([
    {
      Bucket: 'photos',
      ExpectedBucketOwner: '123456789012',
      LifecycleConfiguration: { Rules: [kept, ours] },
    },
  ])
})

it('makes the first rule of a bucket without any, and none twice', async () => {
  const put: { LifecycleConfiguration: unknown }[] = []
  const rules = (answer: () => object) =>
    fakeSession({
      GetBucketLifecycleConfiguration: answer,
      PutBucketLifecycleConfiguration: (input) => put.push(input as (typeof put)[number]),
    })
  const none = rules(() => {
    throw Object.assign(new Error(), { name: 'NoSuchLifecycleConfiguration' })
  })
  await expireJobBlobs(none.session, 'photos')
  expect(put.map(({ LifecycleConfiguration }) => LifecycleConfiguration)).toEqual([{ Rules: [ours] }])
  await expireJobBlobs(rules(() => ({ Rules: [ours] })).session, 'photos')
  expect(put).toHaveLength(1)
})
