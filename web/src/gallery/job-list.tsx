import { JOB_STATES } from '../../../src/jobs/job.ts'
import { Trouble } from '../trouble.tsx'
import { Choice } from './choice.tsx'
import type { JobView } from './jobs-api.ts'
import type { Pages } from './use-pages.ts'

interface Props {
  jobs: Pages<JobView>
  state: string
  onState(state: string): void
  chosen: string | undefined
  onJob(id: string | undefined): void
}

/** Jobs with their progress; one of them, or all. */
export function JobList({ jobs, state, onState, chosen, onJob }: Props) {
  return (
    <section class="job-list" aria-label="Jobs">
      <Choice
        name="State"
        none="any"
        values={JOB_STATES}
        value={state}
        onChange={(event) => onState(event.currentTarget.value)}
      />
      {jobs.error && <Trouble error={jobs.error} onAgain={jobs.reload} />}
      <ul>
        <li>
          <button
            type="button"
            class="job"
            aria-pressed={chosen === undefined}
            onClick={() => onJob(undefined)}
          >
            <b>Pictures of all jobs</b>
          </button>
        </li>
        {jobs.items.map((job) => (
          <li key={job.id}>
            <button type="button" class="job" aria-pressed={job.id === chosen} onClick={() => onJob(job.id)}>
              <b>{job.batch ?? `…${job.id.slice(-8)}`}</b>
              <span class={`state ${job.state}`}>{job.state}</span>
              <JobProgress job={job} />
              <span class="hint">{new Date(job.createdAt).toLocaleString()}</span>
            </button>
          </li>
        ))}
      </ul>
      {!jobs.isEnd && (
        <button type="button" onClick={jobs.more} disabled={jobs.busy}>
          Older jobs
        </button>
      )}
    </section>
  )
}

function JobProgress({ job: { counts, complete } }: { job: JobView }) {
  const { total, succeeded, failed, cancelled } = counts
  const done = succeeded + failed + cancelled
  return (
    <>
      <span class="progress" aria-hidden="true">
        <i class="done" style={{ width: `${(succeeded / Math.max(1, total)) * 100}%` }} />
        <i class="failed" style={{ width: `${(failed / Math.max(1, total)) * 100}%` }} />
      </span>
      <span class="count">
        {done} of {total}
        {!complete && '+'}
        {failed > 0 && `, ${failed} failed`}
      </span>
    </>
  )
}
