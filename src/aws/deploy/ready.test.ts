import { describe, expect, it } from 'vitest'
import { FakeStack, fakeSession } from '../../../test/support/aws-session.ts'
import { readyForChange } from './ready.ts'

const quiet = { signal: new AbortController().signal, onEvent: () => {}, pollMs: 1 }

async function readied(states: (string | undefined)[], after: (string | undefined)[] = [], wait = quiet) {
  const stack = new FakeStack(states)
  stack.after = after
  const { session, sent } = fakeSession(stack.answers)
  const steps: string[] = []
  const found = await readyForChange(session, 'test', wait, (step) => steps.push(step))
  return { found: found?.StackStatus, sent, steps }
}

describe('a stack that is to be changed', () => {
  it.each([
    ['there is none', [undefined], undefined],
    ['only a plan was left', ['REVIEW_IN_PROGRESS'], undefined],
    ['it is ready', ['UPDATE_COMPLETE'], 'UPDATE_COMPLETE'],
    ['its last update was taken back', ['UPDATE_ROLLBACK_COMPLETE'], 'UPDATE_ROLLBACK_COMPLETE'],
    [
      'it is being created',
      ['CREATE_IN_PROGRESS', 'CREATE_IN_PROGRESS', 'CREATE_COMPLETE'],
      'CREATE_COMPLETE',
    ],
    ['it is being deleted', ['DELETE_IN_PROGRESS', 'DELETE_IN_PROGRESS', undefined], undefined],
  ] as const)('is found, after waiting for what goes on: %s', async (_name, states, expected) => {
    const { found, sent } = await readied([...states])
    expect(found).toBe(expected)
    expect(sent).not.toContain('DeleteStack')
  })

  it.each(['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED', 'CREATE_FAILED'])(
    'is removed when its first deployment failed: %s',
    async (status) => {
      const { found, sent, steps } = await readied([status], ['DELETE_IN_PROGRESS', undefined])
      expect(found).toBeUndefined()
      expect(sent).toContain('DeleteStack')
      expect(steps.join()).toContain('failed first deployment')
    },
  )

  it('is removed when the creation under way fails', async () => {
    const { found, sent } = await readied(
      ['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE'],
      [undefined],
    )
    expect(found).toBeUndefined()
    expect(sent).toContain('DeleteStack')
  })

  it.each([
    ['UPDATE_ROLLBACK_FAILED', 'Continue update rollback'],
    ['DELETE_FAILED', '"boxlet destroy --stack test"'],
  ])('is left to a person when it is stuck: %s', async (status, hint) => {
    await expect(readied([status])).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      hint: expect.stringContaining(hint),
    })
  })

  it('is not waited for after Ctrl-C', async () => {
    const control = new AbortController()
    setTimeout(() => control.abort(), 20)
    const waiting = readied(['UPDATE_IN_PROGRESS'], [], { ...quiet, signal: control.signal })
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
