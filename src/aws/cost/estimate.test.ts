import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareCosts, lambdaCost, rekognitionCost, type Workload, warmMsAt } from './estimate.ts'
import { PRICES, tiered } from './prices.ts'

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

describe('costs', () => {
  it('are those of the price page for a plain case', () => {
    // 1e6 × 0.1 s × 1 GB at list price, and a million requests.
    expect(lambdaCost(load(), 'x86_64').dollars).toBeCloseTo(100_000 * 0.0000166667 + 0.2, 6)
    expect(rekognitionCost(load({ imagesPerMonth: 2e6 })).dollars).toBeCloseTo(1000 + 800, 6)
  })

  it('are nothing within the free tiers', () => {
    expect(lambdaCost(load({ freeTier: true, imagesPerMonth: 100_000 }), 'arm64').dollars).toBe(0)
  })

  it('count the time of cold starts', () => {
    const lines = lambdaCost(load({ coldMs: 400, coldShare: 0.5 }), 'arm64').lines
    const of = (what: string) => lines.find((line) => line.what === what)!.dollars
    expect(of('cold starts') / of('duration')).toBeCloseTo(2, 6)
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
})
