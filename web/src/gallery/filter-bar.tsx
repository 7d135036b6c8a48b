import { DECISIONS, JOB_STATES } from '../../../src/jobs/job.ts'
import type { Filters } from './jobs-api.ts'

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
        <label class="field">
          Pictures
          <select {...field('state')}>
            <option value="">all</option>
            {JOB_STATES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
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
      <label class="field">
        Score from
        <select {...field('minScore')}>
          <option value="">any</option>
          {['0.3', '0.5', '0.7', '0.9'].map((score) => (
            <option key={score} value={score}>
              {Math.round(Number(score) * 100)} %
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Since
        <input type="date" {...field('since')} />
      </label>
      <label class="field">
        Until
        <input type="date" {...field('until')} />
      </label>
      <label class="field">
        Policy
        <select {...field('verdict')}>
          <option value="">any</option>
          <option value="review">review</option>
          <option value="deny">deny</option>
        </select>
      </label>
      <label class="field">
        Reviewed
        <select {...field('review')}>
          <option value="">any</option>
          <option value="open">not yet</option>
          {DECISIONS.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
