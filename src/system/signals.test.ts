import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onAbort, untilAborted } from './signals.ts'

describe('waiting for a signal', () => {
  it('calls back everybody who still waits, once', () => {
    const controller = new AbortController()
    const called: number[] = []
    const forget = [1, 2, 3].map((name) => onAbort(controller.signal, () => called.push(name)))
    forget[1]!()
    controller.abort()
    controller.abort()
    expect(called).toEqual([1, 3])
  })

  it('takes no call from a signal that is aborted already, nor from none', () => {
    const late = () => {
      throw new Error('Expected no call.')
    }
    onAbort(AbortSignal.abort(), late)()
    onAbort(undefined, late)()
  })

  it('waits again after everybody has left', () => {
    const controller = new AbortController()
    let calls = 0
    onAbort(controller.signal, () => calls++)()
    onAbort(controller.signal, () => calls++)
    controller.abort()
    expect(calls).toBe(1)
  })

  it('does not look like a leak to Node, however many wait', async () => {
    const controller = new AbortController()
    const warned = Promise.race([
      once(process, 'warning').then(([warning]) => (warning as Error).name),
      new Promise((resolve) => setTimeout(resolve, 20, 'none')),
    ])
    const never = new Promise<never>(() => {})
    const waits = Array.from({ length: 40 }, () => untilAborted(never, controller.signal))
    expect(await warned).toBe('none')
    controller.abort(new Error('enough'))
    expect((await Promise.allSettled(waits)).every(({ status }) => status === 'rejected')).toBe(true)
  })
})
