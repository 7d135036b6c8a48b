import { setImmediate as nextRound } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ReadTurns } from './read-turns.ts'

describe('turns at reading', () => {
  it('are given at once where few read', async () => {
    const turns = new ReadTurns()
    const order: string[] = []
    void nextRound().then(() => order.push('next round'))
    await turns.take('a')
    order.push('turn')
    await nextRound()
    expect(order).toEqual(['turn', 'next round'])
  })

  it('are few in one round, however many ask', async () => {
    const turns = new ReadTurns()
    let given = 0
    const all = Array.from({ length: 100 }, () => turns.take('a').then(() => given++))
    const rounds: number[] = []
    while (given < all.length) {
      const before = given
      await nextRound()
      rounds.push(given - before)
    }
    expect(Math.max(...rounds)).toBeLessThanOrEqual(16)
    expect(rounds.length).toBeGreaterThanOrEqual(6)
  })

  it('come round to each owner, in the order in which the bodies of one asked', async () => {
    const turns = new ReadTurns()
    const order: string[] = []
    const ask = (owner: string, body: string) => turns.take(owner).then(() => order.push(body))
    const many = Array.from({ length: 60 }, (_, i) => ask('many', `many ${i}`))
    await Promise.all([...many, ask('one', 'one 0'), ask('one', 'one 1')])
    expect(order.indexOf('one 1')).toBeLessThan(20)
    expect(order.filter((body) => body.startsWith('many'))).toEqual(many.map((_, i) => `many ${i}`))
  })

  it('go on after nobody has asked for a while', async () => {
    const turns = new ReadTurns()
    for (let i = 0; i < 3; i++) {
      await Promise.all(Array.from({ length: 20 }, () => turns.take('a')))
      await nextRound()
      await nextRound()
    }
  })
})
