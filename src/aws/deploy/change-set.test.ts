import { describe, expect, it } from 'vitest'
import { FakeStack, fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { createChangeSet, executeChangeSet } from './change-set.ts'

const quiet = { signal: new AbortController().signal, onEvent: () => {}, pollMs: 1 }
const input = { name: 'test', template: '{}', parameters: {}, tags: {} }

describe('a plan', () => {
  it('is thrown away with its empty stack when making it is interrupted', async () => {
    const control = new AbortController()
    const stack = new FakeStack([undefined, 'REVIEW_IN_PROGRESS'])
    const { session, sent } = fakeSession({
      ...stack.answers,
      DescribeChangeSet: () => {
        control.abort()
        return { Status: 'CREATE_IN_PROGRESS' }
      },
    })
    const planning = createChangeSet(session, input, { ...quiet, signal: control.signal })
    await expect(planning).rejects.toMatchObject({ code: 'ABORTED' })
    expect(sent.slice(-3)).toEqual(['DeleteChangeSet', 'DescribeStacks', 'DeleteStack'])
  })

  it('is thrown away when it fails, and the stack that stands is kept', async () => {
    const { session, sent } = fakeSession({
      ...new FakeStack(['UPDATE_COMPLETE']).answers,
      DescribeChangeSet: () => ({ Status: 'FAILED', StatusReason: 'Template error.' }),
    })
    await expect(createChangeSet(session, input, quiet)).rejects.toThrow('but it failed: Template error.')
    expect(sent).toContain('DeleteChangeSet')
    expect(sent).not.toContain('DeleteStack')
  })

  it('is thrown away when it is refused', async () => {
    const { session, sent } = fakeSession({
      ...new FakeStack(['UPDATE_COMPLETE']).answers,
      ExecuteChangeSet: () => Promise.reject(serviceError('AccessDenied', 403)),
    })
    await expect(executeChangeSet(session, 'test', 'plan', quiet)).rejects.toThrow('AccessDenied')
    expect(sent).toContain('DeleteChangeSet')
  })

  it('is empty when nothing would change, and whole when it has pages', async () => {
    const { session } = fakeSession({
      ...new FakeStack(['UPDATE_COMPLETE']).answers,
      DescribeChangeSet: () => ({
        Status: 'FAILED',
        StatusReason: "The submitted information didn't contain changes.",
      }),
    })
    expect(await createChangeSet(session, input, quiet)).toMatchObject({ empty: true, changes: [] })
    const pages = fakeSession({
      ...new FakeStack(['UPDATE_COMPLETE']).answers,
      DescribeChangeSet: ({ NextToken }: { NextToken?: string }) => ({
        Status: 'CREATE_COMPLETE',
        Changes: [{ Type: 'Resource' }],
        ...(NextToken === undefined ? { NextToken: 'more' } : {}),
      }),
    })
    expect((await createChangeSet(pages.session, input, quiet)).changes).toHaveLength(2)
  })
})
