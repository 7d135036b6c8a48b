import type { StackEvent } from '@aws-sdk/client-cloudformation'
import { describe, expect, it } from 'vitest'
import { FakeStack, fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { change, deleteStack, ready } from './follow.ts'

const wait = { signal: new AbortController().signal, onEvent: () => {}, pollMs: 1 }

describe('following a change', () => {
  it('does not take the state before for the end', async () => {
    const stack = new FakeStack(['UPDATE_COMPLETE'])
    stack.tell('UPDATE_COMPLETE')
    const { session } = fakeSession(stack.answers)
    const seen: (string | undefined)[] = []
    const following = change(
      session,
      'test',
      { ...wait, onEvent: ({ ResourceStatus }) => seen.push(ResourceStatus) },
      async () => {
        setTimeout(() => stack.tell('UPDATE_IN_PROGRESS'), 4)
        setTimeout(() => {
          stack.tell('UPDATE_FAILED', {
            LogicalResourceId: 'Role',
            ResourceStatusReason: 'no',
            ResourceType: 'x',
          })
          stack.states = ['UPDATE_ROLLBACK_COMPLETE']
          stack.tell('UPDATE_ROLLBACK_COMPLETE')
        }, 8)
      },
    )
    const followed = await following
    expect(followed.stack?.StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE')
    expect(seen).toEqual(['UPDATE_IN_PROGRESS', 'UPDATE_FAILED', 'UPDATE_ROLLBACK_COMPLETE'])
    expect(() => ready(session, 'test', followed)).toThrow('UPDATE_ROLLBACK_COMPLETE: Role: no.')
  })

  it('believes the state in the end where events cannot be read', async () => {
    const stack = new FakeStack(['CREATE_COMPLETE'])
    const { session } = fakeSession({
      ...stack.answers,
      DescribeStackEvents: () => Promise.reject(new Error('AccessDenied')),
    })
    const followed = await change(session, 'test', wait, async () => {})
    expect(ready(session, 'test', followed).StackStatus).toBe('CREATE_COMPLETE')
  })

  it('takes no event of before for the end when the first look at the events is refused', async () => {
    const stack = new FakeStack(['UPDATE_COMPLETE'])
    stack.tell('UPDATE_FAILED', { ResourceStatusReason: 'of the last time' })
    stack.tell('UPDATE_COMPLETE')
    let looks = 0
    const { session } = fakeSession({
      ...stack.answers,
      DescribeStackEvents: (input) => {
        looks += 1
        if (looks === 1) {
          throw serviceError('Throttling', 400)
        }
        if (looks === 4) {
          stack.states = ['UPDATE_ROLLBACK_COMPLETE']
          stack.tell('UPDATE_ROLLBACK_COMPLETE')
        }
        return stack.answers.DescribeStackEvents?.(input)
      },
    })
    const seen: (string | undefined)[] = []
    const onEvent = ({ ResourceStatus }: StackEvent) => seen.push(ResourceStatus)
    const followed = await change(session, 'test', { ...wait, onEvent }, async () => {})
    expect(seen).toEqual(['UPDATE_ROLLBACK_COMPLETE'])
    expect(followed).toMatchObject({ stack: { StackStatus: 'UPDATE_ROLLBACK_COMPLETE' }, failures: [] })
  })

  it('tries a deletion again, and says why it fails', async () => {
    const stack = new FakeStack(['DELETE_FAILED'])
    stack.after = ['DELETE_IN_PROGRESS', 'DELETE_FAILED']
    const { session } = fakeSession({
      ...stack.answers,
      DeleteStack: () => {
        stack.start()
        stack.tell('DELETE_FAILED', { ResourceStatusReason: 'The bucket is not empty.' })
        return {}
      },
    })
    await expect(deleteStack(session, 'test', wait)).rejects.toMatchObject({
      message: 'Expected the stack test to go but it is DELETE_FAILED: The bucket is not empty.',
      hint: expect.stringContaining('again'),
    })
    stack.states = ['DELETE_FAILED']
    stack.after = ['DELETE_IN_PROGRESS', undefined]
    await expect(deleteStack(session, 'test', wait)).resolves.toBeUndefined()
  })
})
