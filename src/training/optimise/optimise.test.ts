import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adamStep } from './adam.ts'
import { averageStep } from './average.ts'
import { clipScale, squaredLength } from './clip.ts'
import { rateAt } from './schedule.ts'

const zeros = (length: number) => new Float32Array(length)

describe('adamStep', () => {
  it('moves each weight by the rate at first, whatever the size of its gradient', () => {
    const state = { weights: Float32Array.of(1, 1, 1), mean: zeros(3), square: zeros(3) }
    adamStep(state, Float32Array.of(1e-3, -5, 200), 1, 0.01, Float32Array.of(1, 1, 3), 1)
    expect([...state.weights].map((value) => Number(value.toFixed(4)))).toEqual([0.99, 1.01, 0.97])
  })
  it('finds the bottom of a parabola', () => {
    const state = { weights: Float32Array.of(4, -3), mean: zeros(2), square: zeros(2) }
    for (let step = 1; step <= 800; step++) {
      const slope = state.weights.map((value, i) => 2 * (value - [1, 2][i]!))
      adamStep(state, slope, 1, 0.05 * rateAt(step, 800), Float32Array.of(1, 1), step)
    }
    expect(state.weights[0]).toBeCloseTo(1, 2)
    expect(state.weights[1]).toBeCloseTo(2, 2)
  })
})

describe('clipScale', () => {
  it('never lets a gradient be longer than the limit, and leaves shorter ones', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1 }), (values) => {
        const length = Math.sqrt(squaredLength(Float32Array.from(values)))
        const scale = clipScale(length, 10)
        expect(length * scale).toBeLessThanOrEqual(10 + 1e-6)
        expect(scale === 1 || length > 10).toBe(true)
      }),
    )
  })
})

describe('rateAt', () => {
  it('rises in a line, falls from there on, and ends at a twentieth', () => {
    const rates = Array.from({ length: 400 }, (_, i) => rateAt(i + 1, 400))
    const top = rates.indexOf(Math.max(...rates))
    expect(top).toBe(29)
    expect(rates.slice(0, top).every((rate, i) => rate < rates[i + 1]!)).toBe(true)
    expect(rates.slice(top, -1).every((rate, i) => rate > rates[top + i + 1]!)).toBe(true)
    expect(rates.at(-1)).toBeCloseTo(0.05, 6)
  })
  it('has a rise in a run that is shorter than one', () => {
    expect(rateAt(1, 5)).toBeLessThan(rateAt(3, 5))
  })
})

describe('averageStep', () => {
  it('forgets the start soon and single steps never', () => {
    const average = Float32Array.of(100)
    for (let step = 1; step <= 300; step++) {
      averageStep(average, Float32Array.of(step % 2 === 0 ? 1 : 3), step)
    }
    expect(average[0]).toBeCloseTo(2, 1)
  })
})
