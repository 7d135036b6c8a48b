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

  it('lets owners take turns, so that whoever sends much waits for itself', async () => {
    const queue = new TaskQueue<string>(10)
    const order: string[] = []
    const wait = (name: string, owner: string) =>
      queue.wait(async () => void order.push(name), undefined, owner)
    const jobs = [wait('a1', 'a'), wait('a2', 'a'), wait('a3', 'a'), wait('b1', 'b'), wait('c1', 'c')]
    while (queue.next('w')) {
      // Each turn is one job.
    }
    await Promise.all(jobs)
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'a3'])
  })

  it('gives the place of the owner of most to one of less where it is full', async () => {
    const queue = new TaskQueue<string>(3)
    const wait = (owner: string) => queue.wait(async () => owner, undefined, owner)
    const of = [wait('a'), wait('a'), wait('a')]
    const lost = expect(of[2]).rejects.toMatchObject({ code: 'OVERLOADED' })
    const other = wait('b')
    await lost
    expect(() => wait('b')).toThrowError(expect.objectContaining({ code: 'OVERLOADED' }))
    expect(queue.length).toBe(3)
    queue.next('w')
    queue.next('w')
    expect(await Promise.all([of[0], other])).toEqual(['a', 'b'])
  })
})
