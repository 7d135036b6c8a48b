import { expect, it } from 'vitest'
import type { EventBus, NewEvent } from '../../src/jobs/event-bus.ts'

/** What every bus has to do. `open` gives an empty one. */
export function eventBusContract(open: () => Promise<EventBus>): void {
  const event = (job: string, tenant = 'ann'): NewEvent => ({
    kind: 'picture.finished',
    tenant,
    job,
    data: { n: 1, text: 'ü' },
  })

  it('gives events in the order in which they were published, with what they say', async () => {
    const bus = await open()
    await bus.publish([event('a'), event('b')])
    await bus.publish([{ ...event('c'), kind: 'job.finished' }])
    const events = await bus.read({ limit: 10 })
    expect(events.map(({ job }) => job)).toEqual(['a', 'b', 'c'])
    expect(events[2]).toMatchObject({ kind: 'job.finished', data: { n: 1, text: 'ü' } })
    expect([...events].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(events)
  })

  it('goes on after the one that was read last', async () => {
    const bus = await open()
    await bus.publish([event('a'), event('b'), event('c')])
    const [first] = await bus.read({ limit: 1 })
    const rest = await bus.read({ after: first!.id, limit: 10 })
    expect(rest.map(({ job }) => job)).toEqual(['b', 'c'])
    expect(await bus.read({ after: rest[1]!.id, limit: 10 })).toEqual([])
  })

  it('tells the newest, to begin after', async () => {
    const bus = await open()
    expect(await bus.latest()).toBeUndefined()
    await bus.publish([event('a')])
    const latest = await bus.latest()
    expect(await bus.read({ after: latest!, limit: 10 })).toEqual([])
    await bus.publish([event('b')])
    expect(await bus.read({ after: latest!, limit: 10 })).toMatchObject([{ job: 'b' }])
  })

  it('keeps owners and jobs apart', async () => {
    const bus = await open()
    await bus.publish([event('a'), event('b'), event('a', 'bob')])
    expect(await bus.read({ tenant: 'ann', limit: 10 })).toHaveLength(2)
    expect(await bus.read({ tenant: 'ann', job: 'a', limit: 10 })).toHaveLength(1)
  })
}
