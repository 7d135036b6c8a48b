import { BoxletError } from '../../errors.ts'
import { EVENT_KINDS, type EventKind } from '../../jobs/event-bus.ts'
import type { Environment } from '../../system/environment.ts'

/** Where the jobs of a stack lie. */
export interface JobPlaces {
  table: string
  /** Addresses of queues: pictures to work on, and what there is to do besides. */
  pictures: string
  deadPictures: string
  chores: string
  deadChores: string
  /** Pictures that were sent, annotated and kept ones, lists and large results lie below `jobs/` of it. */
  bucket: string
  bus: string
  region?: string
  /** For tests against an emulator. */
  endpoint?: string
}

/** One variable for each place, set by the template. */
export const PLACE_VARIABLES = {
  table: 'BOXLET_JOBS_TABLE',
  pictures: 'BOXLET_JOBS_PICTURES',
  deadPictures: 'BOXLET_JOBS_DEAD_PICTURES',
  chores: 'BOXLET_JOBS_CHORES',
  deadChores: 'BOXLET_JOBS_DEAD_CHORES',
  bucket: 'BOXLET_JOBS_BUCKET',
  bus: 'BOXLET_JOBS_BUS',
} as const satisfies Partial<Record<keyof JobPlaces, string>>

/**
 * @returns undefined for a function without jobs
 * @throws BoxletError CONFIG_INVALID where some places are named and others are not
 */
export function placesOf(env: Environment): JobPlaces | undefined {
  if (env[PLACE_VARIABLES.table] === undefined) {
    return undefined
  }
  const entries = Object.entries(PLACE_VARIABLES).map(([place, variable]) => {
    const value = env[variable]
    if (value === undefined || value === '') {
      throw new BoxletError(
        'CONFIG_INVALID',
        `Expected ${variable} for the jobs of the function but it is not set.`,
      )
    }
    return [place, value]
  })
  return Object.fromEntries(entries) as JobPlaces
}

/** What is told of single pictures costs as much as the event of a job, a million times. */
export function eventKindsOf(env: Environment): readonly EventKind[] {
  return env.BOXLET_JOBS_EVENTS === 'pictures'
    ? EVENT_KINDS
    : EVENT_KINDS.filter((kind) => kind !== 'picture.finished')
}
