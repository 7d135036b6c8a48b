import { expect, it } from 'vitest'
import { fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { noteUpload, prune } from './ledger.ts'
import { readLedger } from './ledger-file.ts'

const one = (name: string) => ({ codeKey: `packages/${name}.zip`, layerKey: '', modelLocation: '' })
const refused = () => Promise.reject(serviceError('AccessDenied', 403))

it('is empty where S3 may not say that it is missing, and is written then', async () => {
  const put: string[] = []
  const { session } = fakeSession({
    GetObject: refused,
    PutObject: ({ Body }: { Body: string }) => put.push(Body),
  })
  expect(await readLedger(session, 'bucket', 'test')).toEqual([])
  await noteUpload(session, 'bucket', 'test', one('a'), undefined)
  expect(JSON.parse(put[0] ?? '')).toEqual({ version: 1, packages: [one('a')] })
})

it('of another stack, which is there and may not be read, keeps everything', async () => {
  const own = { version: 1, packages: [one('c'), one('b'), one('a')] }
  const { session, sent } = fakeSession({
    GetObject: ({ Key }: { Key: string }) =>
      Key === 'stacks/test.json'
        ? { Body: { transformToString: async () => JSON.stringify(own) } }
        : refused(),
    DescribeStacks: () => ({ Stacks: [] }),
    ListObjectsV2: () => ({ Contents: [{ Key: 'stacks/other.json', LastModified: new Date() }] }),
  })
  await expect(prune(session, 'bucket', 'test', one('c'))).rejects.toMatchObject({ code: 'AWS_FAILED' })
  expect(sent).not.toContain('DeleteObjects')
})
