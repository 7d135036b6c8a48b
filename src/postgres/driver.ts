/** The packages behind this home. They are optional peers: who keeps jobs in a folder needs neither. */
import type * as Bull from 'bullmq'
import type * as Pg from 'pg'
import { BoxletError } from '../errors.ts'

export interface Driver {
  pg: typeof Pg
  bull: typeof Bull
}

/** @throws BoxletError STORE_UNAVAILABLE where they are not installed */
export async function loadDriver(): Promise<Driver> {
  try {
    const [pg, bull] = await Promise.all([import('pg'), import('bullmq')])
    return { pg: (pg.default ?? pg) as typeof Pg, bull }
  } catch (cause) {
    throw new BoxletError(
      'STORE_UNAVAILABLE',
      'Expected the packages pg and bullmq for a store in PostgreSQL but they are not installed.',
      { cause, hint: 'Run "npm install pg bullmq" beside Boxlet.' },
    )
  }
}
