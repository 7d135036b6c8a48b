import { readFileSync } from 'node:fs'

/** What Linux tells of a running process; undefined elsewhere, or when it has ended. */
export interface ProcessStats {
  /** Resident now, and the most so far, in bytes. Shared library pages count in full. */
  rss: number
  peakRss: number
  /** User and system time in milliseconds. */
  cpuMs: number
}

/** USER_HZ, which Linux fixes at 100 for everything it shows to programs. */
const TICKS_PER_SECOND = 100

export function processStats(pid: number): ProcessStats | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold spaces; fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    const stats = {
      rss: kilobytes('VmRSS') * 1024,
      peakRss: kilobytes('VmHWM') * 1024,
      cpuMs: (ticks * 1000) / TICKS_PER_SECOND,
    }
    return Number.isNaN(stats.rss) ? undefined : stats
  } catch {
    return undefined
  }
}
