import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { defaultThreads, processorShare } from './processors.ts'

const visible = availableParallelism()
const V2 = '/sys/fs/cgroup/cpu.max'
const V1 = '/sys/fs/cgroup/cpu'
/** A system that has these files only. */
const system = (files: Record<string, string>) => (path: string) => files[path]
const share = (files: Record<string, string>, env = {}) => processorShare(env, system(files))

describe('processorShare', () => {
  it('is all visible processors where nothing limits them', () => {
    expect(share({})).toBe(visible)
    expect(share({ [V2]: 'max 100000\n' })).toBe(visible)
    expect(share({ [`${V1}/cpu.cfs_quota_us`]: '-1\n', [`${V1}/cpu.cfs_period_us`]: '100000\n' })).toBe(
      visible,
    )
    expect(share({ [V2]: '\n' })).toBe(visible)
  })
  it('is the quota of a control group, version 2', () => {
    expect(share({ [V2]: '50000 100000\n' })).toBe(0.5)
  })
  it('is never more than the visible processors', () => {
    expect(share({ [V2]: '100000000 100000\n' })).toBe(visible)
  })
  it('is the quota of a control group, version 1, the own group before the root', () => {
    const root = { [`${V1}/cpu.cfs_quota_us`]: '25000\n', [`${V1}/cpu.cfs_period_us`]: '100000\n' }
    expect(share(root)).toBe(0.25)
    const own = {
      ...root,
      '/proc/self/cgroup': '5:cpuset:/else\n4:cpu,cpuacct:/box/a\n1:name=systemd:/box\n',
      [`${V1}/box/a/cpu.cfs_quota_us`]: '75000\n',
      [`${V1}/box/a/cpu.cfs_period_us`]: '100000\n',
    }
    expect(share(own)).toBe(0.75)
  })
  it('is what the memory of a Lambda buys, whatever its control group says', () => {
    expect(share({ [V2]: '50000 100000' }, { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538' })).toBe(2)
  })
})

describe('defaultThreads', () => {
  it('rounds the share, and is at least one', () => {
    expect(defaultThreads({}, system({ [V2]: '10000 100000' }))).toBe(1)
    expect(defaultThreads({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '4600' }, system({}))).toBe(3)
  })
})
