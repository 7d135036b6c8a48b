/**
 * A share of the processor, as Lambda gives one by memory size, through Linux control groups (version 1 or
 * 2). Needs root and a writable group tree; where there is none, the caller has to say so and go without.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CpuQuota {
  add(pid: number): void
  /** How often, and for how many milliseconds, the group had to wait for its next period. */
  throttled(): { times: number; ms: number }
  /** Processor time of the group; undefined where it is accounted for elsewhere. */
  cpuMs(): number | undefined
  remove(): void
}

/** Lambda's own period is not documented; 20 ms lies between the kernel's 100 ms and what blogs report. */
const PERIOD_US = 20_000
const V1 = '/sys/fs/cgroup/cpu'
const V2 = '/sys/fs/cgroup'

type Tree = { version: 1 | 2; root: string }

function groupTree(): Tree | undefined {
  const writable = (path: string): boolean => {
    try {
      accessSync(path, constants.W_OK)
      return true
    } catch {
      return false
    }
  }
  if (existsSync(join(V1, 'cpu.cfs_quota_us'))) {
    return writable(V1) ? { version: 1, root: V1 } : undefined
  }
  const control = join(V2, 'cgroup.subtree_control')
  if (!existsSync(control) || !writable(control)) {
    return undefined
  }
  return readFileSync(control, 'utf8').includes('cpu') ? { version: 2, root: V2 } : undefined
}

export const hasCpuQuota = (): boolean => process.platform === 'linux' && groupTree() !== undefined

let made = 0

/** undefined where control groups cannot be written. */
export function createCpuQuota(vcpus: number): CpuQuota | undefined {
  const tree = process.platform === 'linux' ? groupTree() : undefined
  if (tree === undefined) {
    return undefined
  }
  made++
  const folder = join(tree.root, `boxlet-${process.pid}-${made}`)
  const quota = Math.max(1000, Math.round(PERIOD_US * vcpus))
  const file = (name: string): string => join(folder, name)
  try {
    mkdirSync(folder)
    if (tree.version === 1) {
      writeFileSync(file('cpu.cfs_period_us'), String(PERIOD_US))
      writeFileSync(file('cpu.cfs_quota_us'), String(quota))
    } else {
      writeFileSync(file('cpu.max'), `${quota} ${PERIOD_US}`)
    }
  } catch {
    return undefined
  }
  return {
    add: (pid) => writeFileSync(file('cgroup.procs'), String(pid)),
    throttled() {
      const stat = readFileSync(file('cpu.stat'), 'utf8')
      const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1] ?? 0)
      return {
        times: value('nr_throttled'),
        ms: tree.version === 1 ? value('throttled_time') / 1e6 : value('throttled_usec') / 1e3,
      }
    },
    cpuMs() {
      try {
        if (tree.version === 1) {
          return Number(readFileSync(file('cpuacct.usage'), 'utf8')) / 1e6
        }
        const usage = /^usage_usec (\d+)/m.exec(readFileSync(file('cpu.stat'), 'utf8'))
        return usage === null ? undefined : Number(usage[1]) / 1e3
      } catch {
        return undefined
      }
    },
    remove() {
      try {
        rmdirSync(folder)
      } catch {
        // Busy for a moment after its last process ends; an empty group costs nothing.
      }
    },
  }
}
