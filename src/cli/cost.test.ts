import { describe, expect, it } from 'vitest'
import { boxlet } from '../../test/support/boxlet.ts'

describe('boxlet cost', () => {
  it('counts alarms and dashboard unless the stack goes without', async () => {
    const lambda = async (...args: string[]) => (await boxlet(['cost', ...args])).out
    expect(await lambda()).toContain('alarms and dashboard $3.50')
    expect(await lambda('--watch', 'full')).toBe(await lambda())
    expect(await lambda('--watch', 'none')).not.toContain('alarms and dashboard')
  })

  it('takes a million pictures, and the memory size for the times that it assumes, or the times that are given', async () => {
    const load = async (...args: string[]) =>
      JSON.parse((await boxlet(['cost', '--format', 'json', ...args])).out).load
    const [whole, half] = [await load('--memory', '1769'), await load('--memory', '512')]
    expect(whole.imagesPerMonth).toBe(1_000_000)
    expect(half.warmMs / whole.warmMs).toBeCloseTo(1769 / 512, 6)
    expect(await load('--memory', '512', '--warm-ms', '181')).toMatchObject({ warmMs: 181 })
  })
})
