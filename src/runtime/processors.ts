import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Environment } from '../system/environment.ts'

/** Lambda gives one virtual processor for each of these megabytes of memory. */
const LAMBDA_MB_PER_PROCESSOR = 1_769

/** The text of a file of the system, undefined where there is none. */
export type SystemReader = (path: string) => string | undefined

/**
 * How many processors this process may really use, as a fraction where a quota says so: Lambda's memory,
 * a control group's quota (version 2 or 1), or else the visible processors. Containers and Lambda show more
 * processors than they let run, and threads beyond the share only take it from one another.
 */
export function processorShare(env: Environment = process.env, read: SystemReader = readText): number {
  const memory = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE)
  if (memory > 0) {
    return memory / LAMBDA_MB_PER_PROCESSOR
  }
  const visible = availableParallelism()
  return Math.min(visible, quotaOfVersion2(read) ?? quotaOfVersion1(read) ?? visible)
}

/** Threads for one model: max(1, round(share)). */
export const defaultThreads = (env?: Environment, read?: SystemReader): number =>
  Math.max(1, Math.round(processorShare(env, read)))

function quotaOfVersion2(read: SystemReader): number | undefined {
  const [quota, period] = read('/sys/fs/cgroup/cpu.max')?.trim().split(' ').map(Number) ?? []
  return share(quota, period)
}

function quotaOfVersion1(read: SystemReader): number | undefined {
  // The group of this process comes first; containers see their own at the root.
  const path = /^\d+:[^:]*\bcpu\b[^:]*:(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  for (const folder of [`/sys/fs/cgroup/cpu${path}`, '/sys/fs/cgroup/cpu']) {
    const found = share(
      Number(read(`${folder}/cpu.cfs_quota_us`) ?? Number.NaN),
      Number(read(`${folder}/cpu.cfs_period_us`) ?? Number.NaN),
    )
    if (found !== undefined) {
      return found
    }
  }
  return undefined
}

const share = (quota: number | undefined, period: number | undefined): number | undefined =>
  quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
