import { describe, expect, it } from 'vitest'
import { expectCapacity, expectShares, needsConcurrency } from './account-limits.ts'

const USUAL = { concurrency: 1000, unreserved: 1000 }
/** What new accounts have. */
const NEW = { concurrency: 10, unreserved: 10 }
const refused = expect.objectContaining({ code: 'USAGE' })

describe('the environments of an account', () => {
  it('are asked for only where a stack wants a share of them', () => {
    expect(needsConcurrency({})).toBe(false)
    expect(needsConcurrency({ ReservedConcurrency: '-1', ProvisionedConcurrency: '0' })).toBe(false)
    expect(needsConcurrency({ ReservedConcurrency: '5' })).toBe(true)
    expect(needsConcurrency({ DataBucketName: 'photos' })).toBe(true)
  })

  it('leave a hundred unreserved', () => {
    expect(() => expectCapacity({ ReservedConcurrency: '900' }, {}, USUAL)).not.toThrow()
    expect(() => expectCapacity({ ReservedConcurrency: '901' }, {}, USUAL)).toThrow(refused)
    expect(() => expectCapacity({ ReservedConcurrency: '1' }, {}, NEW)).toThrow(
      'Expected at most 0 for --reserved but received 1: the account runs 10 environments at once',
    )
    expect(() => expectCapacity({ ProvisionedConcurrency: '901' }, {}, USUAL)).toThrow('for --provisioned')
  })

  it('count what the stack has reserved before as free', () => {
    const left = { concurrency: 1000, unreserved: 400 }
    expect(() => expectCapacity({ ReservedConcurrency: '600' }, {}, left)).toThrow(refused)
    expect(() =>
      expectCapacity({ ReservedConcurrency: '700' }, { ReservedConcurrency: '600' }, left),
    ).not.toThrow()
  })

  it('are not all for pictures of a bucket', () => {
    const data = { DataBucketName: 'photos' }
    expect(() => expectCapacity(data, {}, USUAL)).not.toThrow()
    expect(() => expectCapacity(data, {}, NEW)).toThrow('--worker-concurrency')
    expect(() => expectCapacity({ ...data, WorkerConcurrency: '5' }, {}, NEW)).not.toThrow()
  })
})

describe('warm environments', () => {
  it('are at most those that are reserved', () => {
    expect(() => expectShares({ ReservedConcurrency: '2', ProvisionedConcurrency: '3' })).toThrow(refused)
    expect(() => expectShares({ ReservedConcurrency: '3', ProvisionedConcurrency: '3' })).not.toThrow()
    expect(() => expectShares({ ProvisionedConcurrency: '3' })).not.toThrow()
  })
})
