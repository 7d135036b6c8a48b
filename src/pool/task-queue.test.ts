import { describe, expect, it } from 'vitest'
import { TaskQueue } from './task-queue.ts'

describe('TaskQueue', () => {
  it('hands workers out in the order of arrival', async () => {
    const queue = new TaskQueue<string>(10)
    const order: string[] = []
    const tasks = ['a', 'b'].map((name) =>
      queue.wait(async (worker) => {
        order.push(`${name} on ${worker}`)
      }, undefined),
    )
    expect(queue.next('w1')).toBe(true)
    expect(queue.next('w2')).toBe(true)
    expect(queue.next('w3')).toBe(false)
    await Promise.all(tasks)
    expect(order).toEqual(['a on w1', 'b on w2'])
  })

  it('refuses a task too many', async () => {
    const queue = new TaskQueue<string>(1)
    void queue.wait(async () => {}, undefined)
    expect(() => queue.wait(async () => {}, undefined)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED' }),
    )
  })

  it('drops a task whose caller has gone, and starts the next one', async () => {
    const queue = new TaskQueue<string>(2)
    const caller = new AbortController()
    const gone = queue.wait(async () => 'first', caller.signal)
    const stays = queue.wait(async () => 'second', undefined)
    caller.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    expect(queue.length).toBe(1)
    queue.next('w')
    expect(await stays).toBe('second')
  })
})
