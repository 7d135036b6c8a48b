import type { TemplatePart } from '../part.ts'
import { bucket } from './bucket.ts'
import { jobs } from './jobs.ts'

/** Every source of events that the stack can have, in the order of the template. */
export const SOURCES: readonly TemplatePart[] = [bucket, jobs]
