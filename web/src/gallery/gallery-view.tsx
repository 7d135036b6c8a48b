import { useEffect, useState } from 'preact/hooks'
import { type ApiError, asApiError } from '../api.ts'
import { Trouble } from '../trouble.tsx'
import '../styles/gallery.css'
import { FilterBar } from './filter-bar.tsx'
import { JobList } from './job-list.tsx'
import {
  type Filters,
  type JobView,
  jobShots,
  listJobs,
  reviewShot,
  type Shot,
  searchShots,
} from './jobs-api.ts'
import { ShotDialog } from './shot-dialog.tsx'
import { ShotTile } from './shot-tile.tsx'
import { usePages } from './use-pages.ts'
import { useProgress } from './use-progress.ts'
import { VirtualGrid } from './virtual-grid.tsx'

/** What jobs have found: pictures of all of them by label, score, time and verdict, or those of one; progress live. */
export function GalleryView({ attempt }: { attempt: number }) {
  const [state, setState] = useState('')
  const [job, setJob] = useState<string>()
  const [filters, setFilters] = useState<Filters>({})
  const [opened, setOpened] = useState<number>()
  const [problem, setProblem] = useState<ApiError>()
  const jobs = usePages<JobView>(JSON.stringify([state, attempt]), (cursor) => listJobs(state, cursor))
  const shots = usePages<Shot>(JSON.stringify([job, filters, attempt]), (cursor) =>
    job === undefined ? searchShots(filters, cursor) : jobShots(job, filters.state ?? '', cursor),
  )
  useProgress(jobs.items, (changed, isDone) => {
    jobs.change((before) => before.map((one) => (one.id === changed.id ? { ...one, ...changed } : one)))
    if (isDone && (job === undefined || job === changed.id)) {
      shots.reload()
    }
  })

  useNewJobs(state, (newest) =>
    jobs.change((before) => [
      ...newest.filter(({ id }) => !before.some((one) => one.id === id)),
      ...before.map((one) => newest.find(({ id }) => id === one.id) ?? one),
    ]),
  )

  const review = async (shot: Shot, decision: 'approved' | 'rejected' | null) => {
    try {
      const after = await reviewShot(shot, decision)
      setProblem(undefined)
      shots.change((before) => before.map((one) => (one.job === shot.job && one.n === shot.n ? after : one)))
    } catch (failure) {
      setProblem(asApiError(failure))
    }
  }
  const choose = (id: string | undefined) => {
    setJob(id)
    setFilters({})
    setOpened(undefined)
  }
  const large = opened === undefined ? undefined : shots.items[opened]
  const trouble = problem ?? shots.error
  return (
    <div class="gallery">
      <JobList jobs={jobs} state={state} onState={setState} chosen={job} onJob={choose} />
      <section class="shots" aria-label="Pictures">
        <FilterBar filters={filters} onFilters={setFilters} isJob={job !== undefined} />
        {trouble && trouble.status !== 401 && <Trouble error={trouble} onAgain={shots.reload} />}
        <p class="status" role="status">
          {shots.items.length === 0
            ? shots.busy
              ? 'Looking…'
              : 'No pictures. Submit some with POST /v1/jobs or "boxlet jobs submit".'
            : `${shots.items.length}${shots.isEnd ? '' : '+'} pictures`}
        </p>
        <VirtualGrid
          items={shots.items}
          isEnd={shots.isEnd}
          onMore={shots.more}
          label="Pictures"
          keyOf={(shot) => `${shot.job}/${shot.n}`}
          render={(shot, index) => (
            <ShotTile
              shot={shot}
              onOpen={() => setOpened(index)}
              onReview={(decision) => void review(shot, decision)}
            />
          )}
        />
      </section>
      {large && (
        <ShotDialog
          shot={large}
          onClose={() => setOpened(undefined)}
          onStep={(by) => setOpened((at = 0) => Math.min(shots.items.length - 1, Math.max(0, at + by)))}
          onReview={(decision) => void review(large, decision)}
        />
      )}
    </div>
  )
}

/** Between two looks for jobs that were submitted meanwhile. */
const LOOK_MS = 4_000

function useNewJobs(state: string, onJobs: (jobs: readonly JobView[]) => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') {
        // A look that fails is no news: the next one may not.
        listJobs(state).then(({ items }) => onJobs(items), ignore)
      }
    }, LOOK_MS)
    return () => clearInterval(timer)
  }, [state])
}

const ignore = () => {}
