import type { Result } from '../api.ts'

const STAGES = ['queue', 'decode', 'prepare', 'run', 'boxes'] as const

/** Where the time went, as the page saw it. What the service does not account for is the network's. */
export function TimingBar({ result }: { result: Result }) {
  const times: Record<string, number> = { ...result.timings, queue: result.queue }
  const inside = STAGES.reduce((sum, stage) => sum + (times[stage] ?? 0), 0)
  const whole = Math.max(result.roundTrip, inside, 1)
  const parts = [
    ...STAGES.map((stage) => [stage, times[stage] ?? 0] as const),
    ['network', Math.max(0, whole - inside)] as const,
  ]
  return (
    <div class="timing">
      <div class="bar" aria-hidden="true">
        {parts.map(([name, time]) => (
          <i key={name} class={name} style={{ width: `${(time / whole) * 100}%` }} />
        ))}
      </div>
      <dl>
        {parts.map(([name, time]) => (
          <div key={name}>
            <dt>
              <i class={name} /> {name}
            </dt>
            <dd>{time.toFixed(1)} ms</dd>
          </div>
        ))}
        <div>
          <dt>together</dt>
          <dd>{whole.toFixed(1)} ms</dd>
        </div>
      </dl>
    </div>
  )
}
