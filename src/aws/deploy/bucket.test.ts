import { describe, expect, it } from 'vitest'
import { fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { artefactBucketName, ensureBucket } from './artefacts.ts'
import { countObjects, deleteBucket } from './bucket.ts'

const signal = new AbortController().signal
const full = { ListObjectVersions: () => ({ Versions: [{ Key: 'a', VersionId: '1' }] }) }

describe('deleting a bucket', () => {
  it('ends with the first object that S3 refuses to delete', async () => {
    const { session } = fakeSession({
      ...full,
      DeleteObjects: () => ({ Errors: [{ Key: 'a', Code: 'AccessDenied' }] }),
    })
    await expect(deleteBucket(session, 'b', signal, () => {})).rejects.toMatchObject({
      code: 'AWS_FAILED',
      message: expect.stringContaining('refused 1: a: AccessDenied'),
    })
  })

  it('ends with Ctrl-C', async () => {
    const control = new AbortController()
    const { session, sent } = fakeSession({ ...full, DeleteObjects: () => ({}) })
    await expect(deleteBucket(session, 'b', control.signal, () => control.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    })
    expect(sent).toEqual(['ListObjectVersions', 'DeleteObjects'])
  })

  it('is content when it has gone already', async () => {
    const { session } = fakeSession({
      ListObjectVersions: () => Promise.reject(serviceError('NoSuchBucket', 404)),
    })
    await expect(deleteBucket(session, 'b', signal, () => {})).resolves.toBeUndefined()
  })
})

describe('a bucket', () => {
  it('that may not be looked at is not taken for one that does not exist', async () => {
    const answering = (name: string, status: number) =>
      countObjects(
        fakeSession({ ListObjectsV2: () => Promise.reject(serviceError(name, status)) }).session,
        'b',
      )
    expect(await answering('NoSuchBucket', 404)).toBeUndefined()
    await expect(answering('AccessDenied', 403)).rejects.toMatchObject({ code: 'AWS_FAILED' })
  })

  it('for packages gets its settings although it exists, unless the user has named it', async () => {
    const { session, sent } = fakeSession({
      HeadBucket: () => ({}),
      PutPublicAccessBlock: () => ({}),
      PutBucketPolicy: () => ({}),
      PutBucketLifecycleConfiguration: () => ({}),
    })
    await ensureBucket(session, artefactBucketName(session))
    expect(sent).toEqual([
      'HeadBucket',
      'PutPublicAccessBlock',
      'PutBucketPolicy',
      'PutBucketLifecycleConfiguration',
    ])
    sent.length = 0
    await ensureBucket(session, 'mine')
    expect(sent).toEqual(['HeadBucket'])
  })
})
