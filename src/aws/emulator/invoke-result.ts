import type { LambdaEnvironment } from './environment.ts'
import type { Outcome } from './runtime-api.ts'

export interface InvokeResult {
  requestId: string
  /** As Lambda's X-Amz-Function-Error; undefined on success. */
  functionError: 'Unhandled' | undefined
  payload: Uint8Array
  contentType: string
  streamed: boolean
  /** What the function printed during this call. */
  logs: string[]
  metrics: InvokeMetrics
}

/** Milliseconds and bytes; undefined where the system does not tell. */
export interface InvokeMetrics {
  durationMs: number
  /** Only when this call had to start an environment. */
  initMs: number | undefined
  /** Time to the first byte of a streamed answer. */
  firstByteMs: number | undefined
  cpuMs: number | undefined
  maxMemoryBytes: number | undefined
  tmpBytes: number
  throttledMs: number | undefined
}

/** Counters of an environment before a call; those of its start belong to the call that had to start it. */
export interface Before {
  cold: boolean
  cpuMs: number
  throttledMs: number
}

export const before = (environment: LambdaEnvironment, cold: boolean): Before => ({
  cold,
  cpuMs: cold ? 0 : (environment.stats()?.cpuMs ?? 0),
  throttledMs: cold ? 0 : (environment.throttled()?.ms ?? 0),
})

export function invokeResult(
  requestId: string,
  environment: LambdaEnvironment,
  outcome: Outcome,
  earlier: Before,
  times: { durationMs: number; firstByteMs: number | undefined },
): InvokeResult {
  const stats = environment.stats()
  const throttled = environment.throttled()
  const answer =
    outcome.kind === 'response'
      ? { payload: outcome.payload, contentType: outcome.contentType, streamed: outcome.streamed }
      : {
          payload: Buffer.from(JSON.stringify(outcome.error)),
          contentType: 'application/json',
          streamed: false,
        }
  return {
    requestId,
    functionError: outcome.error === undefined ? undefined : 'Unhandled',
    ...answer,
    logs: environment.takeLogs(),
    metrics: {
      durationMs: times.durationMs,
      initMs: earlier.cold ? environment.initMs : undefined,
      firstByteMs: answer.streamed ? times.firstByteMs : undefined,
      cpuMs: stats === undefined ? undefined : stats.cpuMs - earlier.cpuMs,
      maxMemoryBytes: stats?.peakRss,
      tmpBytes: environment.tmpBytes(),
      throttledMs: throttled === undefined ? undefined : throttled.ms - earlier.throttledMs,
    },
  }
}
