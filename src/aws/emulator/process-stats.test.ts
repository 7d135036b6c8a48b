import { describe, expect, it } from 'vitest'
import { processStats } from './process-stats.ts'

function burn(ms: number): void {
  const start = process.cpuUsage()
  for (;;) {
    const { user, system } = process.cpuUsage(start)
    if (user + system >= ms * 1000) {
      return
    }
  }
}

describe.skipIf(process.platform !== 'linux')('processor time of a process', () => {
  it('is known to a millisecond or two', () => {
    for (let round = 0; round < 5; round++) {
      const before = processStats(process.pid)!.cpuMs
      const start = process.cpuUsage()
      burn(4)
      const spent = processStats(process.pid)!.cpuMs - before
      const { user, system } = process.cpuUsage(start)
      expect(Math.abs(spent - (user + system) / 1000)).toBeLessThan(3)
    }
  })

  it('is not known of a process that is not there', () => {
    expect(processStats(2 ** 22 + 1)).toBeUndefined()
  })
})
