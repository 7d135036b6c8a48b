import type { FoundView, JobView, PictureView } from '../../../src/jobs/view.ts'
import { call, queryOf } from '../api.ts'

export type { JobView, PictureView }
/** A picture of any job; the lists of one job leave its name out. */
export interface Shot extends PictureView {
  job: string
}

export interface Page<T> {
  items: T[]
  cursor?: string | undefined
}

export type Filters = Partial<
  Record<'label' | 'minScore' | 'verdict' | 'review' | 'since' | 'until' | 'state', string>
>

/** Entries of the first page, a few screens of thumbnails, and of those that follow while a person scrolls on. */
const FIRST = 60
const FURTHER = 240
const pageSize = (cursor: string | undefined): number => (cursor === undefined ? FIRST : FURTHER)

export async function listJobs(state: string, cursor?: string): Promise<Page<JobView>> {
  const query = queryOf({ limit: pageSize(cursor), state: state || undefined, cursor })
  const { jobs, cursor: next } = await (await call(`/v1/jobs?${query}`)).json()
  return { items: jobs, cursor: next }
}

/** Pictures of all jobs by what they show, newest first; `until` is a day that counts. */
export async function searchShots(
  { state: _, until, ...filters }: Filters,
  cursor?: string,
): Promise<Page<Shot>> {
  const query = queryOf({
    limit: pageSize(cursor),
    ...given(filters),
    until: until && nextDay(until),
    cursor,
  })
  const answer = (await (await call(`/v1/search?${query}`)).json()) as {
    pictures: FoundView[]
    cursor?: string
  }
  return { items: answer.pictures, cursor: answer.cursor }
}

/** Pictures of one job by number, those that failed too. */
export async function jobShots(job: string, state: string, cursor?: string): Promise<Page<Shot>> {
  const query = queryOf({ limit: pageSize(cursor), state: state || undefined, cursor })
  const answer = (await (await call(`/v1/jobs/${job}/pictures?${query}`)).json()) as {
    pictures: PictureView[]
    cursor?: string
  }
  return { items: answer.pictures.map((picture) => ({ ...picture, job })), cursor: answer.cursor }
}

const pathOf = ({ job, n }: Pick<Shot, 'job' | 'n'>) => `/v1/jobs/${job}/pictures/${n}`

/** The picture itself; asked for with the key, so that it is no plain address of an image. */
export const shotImage = async (shot: Shot, edge: number, signal?: AbortSignal): Promise<Blob> =>
  (await call(`${pathOf(shot)}/image?edge=${edge}`, { ...(signal && { signal }) })).blob()

export async function reviewShot(shot: Shot, decision: 'approved' | 'rejected' | null): Promise<Shot> {
  const response = await call(`${pathOf(shot)}/review`, {
    method: 'PUT',
    body: JSON.stringify({ decision }),
    headers: { 'content-type': 'application/json' },
  })
  return { ...((await response.json()) as PictureView), job: shot.job }
}

const given = (filters: Filters) =>
  Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, value || undefined]))

const nextDay = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString()
