import { eventBridge } from './eventbridge.ts'
import { s3 } from './s3.ts'
import { sns } from './sns.ts'
import type { EventSource } from './source.ts'
import { sqs } from './sqs.ts'

/** Every service whose events the function works on. The first that knows an event has it. */
const SOURCES: readonly EventSource[] = [sqs, sns, s3, eventBridge]

export const sourceOf = (event: unknown): EventSource | undefined =>
  SOURCES.find((source) => source.is(event))
