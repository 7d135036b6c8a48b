import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Message, Queue } from '../../src/jobs/queue.ts'

export interface QueueSubject {
  /** An empty queue that lets a message be received `mostReceives` times. */
  queue: Queue
  mostReceives: number
}

/**
 * What every queue has to do, whatever lies behind it.
 *
 * @param unitMs the shortest lease that the queue can give
 * @param isFair false where the emulator of a queue does not serve groups as the queue itself does
 */
export function queueContract(open: () => Promise<QueueSubject>, unitMs: number, isFair = true): void {
  const long = { max: 10, leaseMs: unitMs * 100 }
  const bodies = (messages: readonly { body: string }[]) => messages.map(({ body }) => body).sort()
  const send = (queue: Queue, ...texts: string[]) => queue.send(texts.map((body) => ({ body })))
  const only = async (queue: Queue, leaseMs = long.leaseMs): Promise<Message> => {
    const [message] = await queue.receive({ max: 1, leaseMs })
    return message!
  }

  it('hands out what was sent, once', async () => {
    const { queue } = await open()
    await send(queue, 'a', 'b', 'c')
    expect(bodies(await queue.receive(long))).toEqual(['a', 'b', 'c'])
    expect(await queue.receive(long)).toEqual([])
  })

  it('does not wait where there is nothing', async () => {
    const { queue } = await open()
    expect(await queue.receive(long)).toEqual([])
    expect(await queue.receive({ max: 0, leaseMs: 1000 })).toEqual([])
  })

  it('gives two receivers different messages', async () => {
    const { queue } = await open()
    await send(queue, 'a', 'b', 'c', 'd')
    const [one, two] = await Promise.all([
      queue.receive({ ...long, max: 2 }),
      queue.receive({ ...long, max: 2 }),
    ])
    expect(bodies([...one, ...two])).toEqual(['a', 'b', 'c', 'd'])
  })

  it('hands a message out again when its lease ends, and counts', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    expect((await only(queue, unitMs)).receives).toBe(1)
    await sleep(unitMs * 1.5)
    expect(await only(queue)).toMatchObject({ body: 'a', receives: 2 })
  })

  it('keeps a message from others while its lease is renewed', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    const message = await only(queue, unitMs * 2)
    for (let i = 0; i < 3; i++) {
      await sleep(unitMs)
      expect(await queue.extend([message], unitMs * 2)).toEqual([])
      expect(await queue.receive(long)).toEqual([])
    }
  })

  it('tells that a lease was lost, and does not let its holder end the message', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    const late = await only(queue, unitMs)
    await sleep(unitMs * 1.5)
    const current = await only(queue)
    expect(await queue.extend([late], unitMs)).toEqual([late])
    await queue.done([late])
    await queue.giveBack(late, { delayMs: 0 })
    await queue.bury(late, 'late')
    expect(await queue.extend([current], unitMs)).toEqual([])
    expect((await queue.deadLetters({ limit: 10 })).items).toEqual([])
  })

  it('forgets a message that is done', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    await queue.done([await only(queue, unitMs)])
    await sleep(unitMs * 1.5)
    expect(await queue.receive(long)).toEqual([])
    expect(await queue.size()).toEqual({ ready: 0, waiting: 0, dead: 0 })
  })

  it('hands out again what is given back, at once or after a while', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    await queue.giveBack(await only(queue), { delayMs: 0 })
    await queue.giveBack(await only(queue), { delayMs: unitMs })
    expect(await queue.receive(long)).toEqual([])
    await sleep(unitMs * 1.5)
    expect((await only(queue)).receives).toBe(3)
  })

  it('does not count a receive that was not used', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    await queue.giveBack(await only(queue), { delayMs: 0, unused: true })
    expect((await only(queue)).receives).toBe(1)
  })

  it('delays a message from the start', async () => {
    const { queue } = await open()
    await queue.send([{ body: 'later', delayMs: unitMs }])
    expect(await queue.receive(long)).toEqual([])
    await sleep(unitMs * 1.5)
    expect((await only(queue)).body).toBe('later')
  })

  it('lays a message that was received too often among the dead letters', async () => {
    const { queue, mostReceives } = await open()
    await send(queue, 'poison')
    for (let i = 0; i < mostReceives; i++) {
      await only(queue, unitMs)
      await sleep(unitMs * 1.5)
    }
    expect(await queue.receive(long)).toEqual([])
    const { items } = await queue.deadLetters({ limit: 10 })
    expect(items).toMatchObject([{ body: 'poison', receives: mostReceives }])
    expect(bodies(await queue.unnoted(10))).toEqual(['poison'])
    await queue.noted([items[0]!.id])
    expect(await queue.unnoted(10)).toEqual([])
    expect((await queue.size()).dead).toBe(1)
  })

  it('buries on request, and lets a dead letter be taken away once', async () => {
    const { queue } = await open()
    await send(queue, 'a')
    await queue.bury(await only(queue), 'no use')
    const { items } = await queue.deadLetters({ limit: 10 })
    expect(items).toMatchObject([{ body: 'a', reason: 'no use' }])
    expect(await queue.unnoted(10)).toEqual([])
    expect(await queue.dropDead(items[0]!.id)).toBe(true)
    expect(await queue.dropDead(items[0]!.id)).toBe(false)
    expect((await queue.deadLetters({ limit: 10 })).items).toEqual([])
  })

  it('pages through the dead letters', async () => {
    const { queue } = await open()
    await send(queue, 'a', 'b', 'c')
    for (const message of await queue.receive(long)) {
      await queue.bury(message, 'x')
    }
    const first = await queue.deadLetters({ limit: 2 })
    const second = await queue.deadLetters({ limit: 2, cursor: first.cursor! })
    expect(bodies([...first.items, ...second.items])).toEqual(['a', 'b', 'c'])
    expect(second.cursor).toBeUndefined()
  })

  it.skipIf(!isFair)('lets a small group pass a large one', async () => {
    const { queue } = await open()
    await queue.send(Array.from({ length: 200 }, (_, i) => ({ body: `large ${i}`, group: 'large' })))
    await queue.receive({ max: 5, leaseMs: long.leaseMs })
    await queue.send([{ body: 'small', group: 'small' }])
    const next: string[] = []
    for (let i = 0; i < 4; i++) {
      next.push(...(await queue.receive(long)).map(({ body }) => body))
    }
    expect(next).toContain('small')
  })

  it('counts what is ready and what waits', async () => {
    const { queue } = await open()
    await queue.send([{ body: 'a' }, { body: 'b' }, { body: 'c', delayMs: unitMs * 50 }])
    await only(queue)
    expect(await queue.size()).toEqual({ ready: 1, waiting: 2, dead: 0 })
  })
}
