import { DECISIONS, JOB_STATES } from '../../../src/jobs/job.ts'
import { Choice } from './choice.tsx'
import type { Filters } from './jobs-api.ts'

const SCORES = ['0.3', '0.5', '0.7', '0.9'].map(
  (score) => [score, `${Math.round(Number(score) * 100)} %`] as const,
)

interface Props {
  filters: Filters
  onFilters(filters: Filters): void
  /** Pictures of one job are listed by number and filtered by state; those of all are searched. */
  isJob: boolean
}

/** Label, score, time and verdict over all jobs; state within one. */
export function FilterBar({ filters, onFilters, isJob }: Props) {
  const field = (name: keyof Filters) => ({
    value: filters[name] ?? '',
    onChange: (event: { currentTarget: { value: string } }) =>
      onFilters({ ...filters, [name]: event.currentTarget.value.trim() }),
  })
  if (isJob) {
    return (
      <div class="filter-bar">
        <Choice name="Pictures" none="all" values={JOB_STATES} {...field('state')} />
      </div>
    )
  }
  const isQueue = filters.verdict === 'review' && filters.review === 'open'
  return (
    <div class="filter-bar">
      <button
        type="button"
        class={isQueue ? 'main' : undefined}
        aria-pressed={isQueue}
        onClick={() => onFilters(isQueue ? {} : { verdict: 'review', review: 'open' })}
      >
        Moderation queue
      </button>
      <label class="field">
        Label
        <input type="search" placeholder="dog" {...field('label')} />
      </label>
      <Choice name="Score from" none="any" values={SCORES} {...field('minScore')} />
      <label class="field">
        Since
        <input type="date" {...field('since')} />
      </label>
      <label class="field">
        Until
        <input type="date" {...field('until')} />
      </label>
      <Choice name="Policy" none="any" values={['review', 'deny']} {...field('verdict')} />
      <Choice name="Reviewed" none="any" values={[['open', 'not yet'], ...DECISIONS]} {...field('review')} />
    </div>
  )
}
