import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { emittedMetrics } from '../../../test/aws/templates-metrics.ts'
import { DEFAULT_MEMORY_MB } from '../template/parameters.ts'
import {
  ASSUMED,
  compareCosts,
  instanceCost,
  lambdaCost,
  rekognitionCost,
  type Workload,
  warmMsAt,
} from './estimate.ts'
import { PRICES, tiered } from './prices.ts'
import { REQUEST_METRICS, START_METRICS } from './watch-cost.ts'

afterEach(() => vi.restoreAllMocks())

const load = (more: Partial<Workload> = {}): Workload => ({
  imagesPerMonth: 1e6,
  memoryMb: 1024,
  warmMs: 100,
  coldMs: 0,
  coldShare: 0,
  answerBytes: 0,
  logBytes: 0,
  httpApi: false,
  freeTier: false,
  ...more,
})

const line = (workload: Workload, what: string): number =>
  lambdaCost(workload, 'arm64').lines.find((one) => one.what === what)?.dollars ?? 0

describe('costs', () => {
  it('are those of the price page for a plain case', () => {
    // 1e6 × 0.1 s × 1 GB at list price, and a million requests.
    // Beside them eleven metrics, and five that alarms look at with one dashboard.
    const watching = 11 * 0.3 + 5 * 0.1 + 3
    expect(lambdaCost(load(), 'x86_64').dollars).toBeCloseTo(100_000 * 0.0000166667 + 0.2 + watching, 6)
    expect(rekognitionCost(load({ imagesPerMonth: 2e6 })).dollars).toBeCloseTo(1000 + 800, 6)
  })

  it('are nothing within the free tiers', () => {
    expect(lambdaCost(load({ freeTier: true, imagesPerMonth: 600 }), 'arm64').dollars).toBe(0)
  })

  it('count the time of cold starts', () => {
    const workload = load({ coldMs: 400, coldShare: 0.5 })
    expect(line(workload, 'cold starts') / line(workload, 'duration')).toBeCloseTo(2, 6)
  })

  it('never fall when there is more to do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e10 }), fc.integer({ min: 1, max: 1e9 }), (images, more) => {
        const [few, many] = [load({ imagesPerMonth: images }), load({ imagesPerMonth: images + more })]
        compareCosts(few).forEach((estimate, index) => {
          expect(compareCosts(many)[index]!.dollars).toBeGreaterThanOrEqual(estimate.dollars)
        })
      }),
    )
  })

  it('go through the tiers', () => {
    expect(tiered(PRICES.rekognition.image, 6e6)).toBeCloseTo(1000 + 4e6 * 0.0008 + 1e6 * 0.0006, 6)
  })

  it('take longer below one processor', () => {
    expect(warmMsAt(1769, 80)).toBe(80)
    expect(warmMsAt(884.5, 80)).toBe(160)
    expect(warmMsAt(3538, 80)).toBe(80)
  })

  it('count a machine by the time that requests take', () => {
    const machines = (warmMs: number) =>
      Number(instanceCost(load({ imagesPerMonth: 1e8, warmMs })).lines[0]?.what.split(' ')[0])
    expect(machines(400) / machines(100)).toBeCloseTo(4, 0)
    // The same work at half a processor takes twice the time of the function, and no more of the machine.
    expect(instanceCost(load({ warmMs: 100, memoryMb: 1769 })).dollars).toBe(
      instanceCost(load({ warmMs: 200, memoryMb: 884.5 })).dollars,
    )
  })

  it('are below seven dollars for a million pictures of a list, with the default model and memory', () => {
    const usual = load({
      memoryMb: DEFAULT_MEMORY_MB,
      warmMs: warmMsAt(DEFAULT_MEMORY_MB),
      logBytes: ASSUMED.logBytes,
    })
    const jobs = compareCosts(usual).find(({ name }) => name.startsWith('Jobs arm64'))
    expect(jobs!.dollars).toBeLessThan(7)
    expect(jobs!.lines.find(({ what }) => what === 'table')!.dollars).toBeGreaterThan(3)
  })

  it('count streamed bytes above the first 6 MB of an answer', () => {
    expect(line(load({ answerBytes: 6 * 2 ** 20 }), 'streaming')).toBe(0)
    expect(line(load({ imagesPerMonth: 1000, answerBytes: 6 * 2 ** 20 + 1e6 }), 'streaming')).toBeCloseTo(
      0.008,
      9,
    )
  })
})

describe('what CloudWatch costs', () => {
  it('is for the metrics that the function writes', async () => {
    const { names } = await emittedMetrics()
    const starts = [...names].filter((name) => name.startsWith('Init'))
    expect([names.size - starts.length, starts.length]).toEqual([REQUEST_METRICS, START_METRICS])
  })

  it('leaves out two metrics of starts that fetch their model or run it before the first call', async () => {
    const usual = (await emittedMetrics()).names
    const { names } = await emittedMetrics('longest')
    expect([...names].filter((name) => !usual.has(name)).sort()).toEqual(['InitFetch', 'InitWarmUp'])
  })

  it('is for metrics in the hours that have requests', () => {
    expect(line(load({ imagesPerMonth: 73 }), 'custom metrics')).toBeCloseTo(1.1 * 0.3, 6)
    expect(line(load({ imagesPerMonth: 1e6, coldShare: 0.02 }), 'custom metrics')).toBeCloseTo(15 * 0.3, 6)
  })

  it('is for alarms and dashboard, idle or not, unless they are not wanted', () => {
    expect(line(load({ imagesPerMonth: 1 }), 'alarms and dashboard')).toBeCloseTo(3.5, 6)
    expect(line(load({ watch: 'none' }), 'alarms and dashboard')).toBe(0)
  })

  it('is nothing within the free tier, which has one metric less than requests all day write', () => {
    const small = load({ freeTier: true, imagesPerMonth: 600 })
    expect(line(small, 'custom metrics') + line(small, 'alarms and dashboard')).toBe(0)
    expect(line(load({ freeTier: true }), 'custom metrics')).toBeCloseTo(0.3, 6)
  })
})
