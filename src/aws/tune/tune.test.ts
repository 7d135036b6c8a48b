import { describe, expect, it } from 'vitest'
import { curveSvg } from './curve.ts'
import { parseReport, summary } from './deployed.ts'
import { type Measurement, priced, recommend } from './measurement.ts'

const at = (memoryMb: number, warmMs: number, peakMemoryMb = 180): Measurement => ({
  memoryMb,
  coldMs: warmMs * 5,
  warmMs,
  worstMs: warmMs,
  cpuMs: warmMs,
  peakMemoryMb,
  calls: 10,
})
const points = (...measurements: Measurement[]) => measurements.map((one) => priced(one, 'arm64'))

describe('the recommendation', () => {
  it('takes more memory where it costs hardly more', () => {
    expect(recommend(points(at(512, 240), at(1024, 120), at(1769, 70), at(3008, 65)))?.memoryMb).toBe(1769)
  })

  it('leaves out sizes without memory to spare', () => {
    expect(recommend(points(at(256, 200, 250), at(1024, 120)))?.memoryMb).toBe(1024)
    expect(recommend(points(at(256, 200, 250)))).toBeUndefined()
  })

  it('bills whole milliseconds', () => {
    expect(priced(at(1024, 70.1), 'arm64').dollarsPerMillion).toBeCloseTo(0.071 * 13.3334 + 0.2, 3)
  })
})

describe('reports of Lambda', () => {
  const warm =
    'REPORT RequestId: a\tDuration: 61.20 ms\tBilled Duration: 62 ms\tMemory Size: 1769 MB\tMax Memory Used: 170 MB\t\n'
  const cold = `START\n${warm.replace('Max Memory Used: 170 MB', 'Max Memory Used: 165 MB\tInit Duration: 301.5 ms')}`

  it('are read', () => {
    expect(parseReport(cold)).toEqual({ durationMs: 61.2, initMs: 301.5, maxMemoryMb: 165 })
    expect(parseReport(warm)?.initMs).toBeUndefined()
    expect(parseReport('nothing')).toBeUndefined()
  })

  it('give one point', () => {
    expect(summary(1769, [parseReport(cold)!, parseReport(warm)!])).toMatchObject({
      coldMs: 362.7,
      warmMs: 61.2,
      peakMemoryMb: 170,
    })
    expect(summary(1769, [parseReport(cold)!])).toBeUndefined()
  })
})

describe('the curve', () => {
  it('marks the recommended size and escapes its title', () => {
    const rows = points(at(512, 240), at(1024, 120))
    const svg = curveSvg(rows, rows[1], 'a <b>')
    expect(svg).toContain('recommended')
    expect(svg).toContain('a &lt;b&gt;')
    expect(svg.match(/<circle/g)).toHaveLength(4)
    expect(svg).not.toContain('NaN')
  })

  it('draws a single size', () => {
    expect(curveSvg(points(at(1024, 120)), undefined, 't')).not.toContain('NaN')
  })
})
