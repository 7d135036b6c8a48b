import { readdirSync, readFileSync } from 'node:fs'

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
    const memory = processMemory(pid)
    if (memory === undefined) {
      return undefined
    }
    // Ticks hold threads that have ended, the scheduler's nanoseconds only those that live: neither is ever too much.
    return { ...memory, cpuMs: Math.max(tickMs(pid), scheduledMs(pid)) }
  } catch {
    return undefined
  }
}

/** The part that is read many times a second. */
export function processMemory(pid: number): Pick<ProcessStats, 'rss' | 'peakRss'> | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024
    const memory = { rss: bytes('VmRSS'), peakRss: bytes('VmHWM') }
    return Number.isNaN(memory.rss) ? undefined : memory
  } catch {
    return undefined
  }
}

function tickMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold spaces; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** 0 where the kernel keeps no such statistics. */
function scheduledMs(pid: number): number {
  let nanoseconds = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      nanoseconds += Number(running)
    }
  } catch {
    // A thread that ended meanwhile; what has been added is still true.
  }
  return nanoseconds / 1e6
}
