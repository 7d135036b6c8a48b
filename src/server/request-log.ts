import type { Writable } from 'node:stream'
import type { RequestRecord } from '../api/options.ts'

export const LOG_FORMATS = ['json', 'text', 'off'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Writes a line for each request: JSON for machines, or short text for a person at a terminal. */
export function requestLog(format: LogFormat, out: Writable): (record: RequestRecord) => void {
  if (format === 'off') {
    return () => {}
  }
  const line = format === 'json' ? jsonLine : textLine
  return (record) => void out.write(`${line(record)}\n`)
}

function jsonLine({ cause, duration, stages, ...record }: RequestRecord): string {
  const level = record.status >= 500 ? 'error' : record.status >= 400 ? 'warn' : 'info'
  return JSON.stringify({
    level,
    ...record,
    duration: tenth(duration),
    stages: Object.fromEntries(Object.entries(stages).map(([name, value]) => [name, tenth(value)])),
    ...(cause === undefined ? {} : { cause: stackOf(cause) }),
  })
}

function textLine({
  time,
  method,
  route,
  status,
  duration,
  operation,
  detections,
  error,
  cause,
}: RequestRecord) {
  const what = operation === undefined ? route : `${route} ${operation}`
  const outcome = error ?? (detections > 0 ? `${detections} objects` : '')
  const line =
    `${time.slice(11, 19)} ${status} ${method} ${what} ${duration.toFixed(0)} ms ${outcome}`.trimEnd()
  return cause === undefined ? line : `${line}\n${stackOf(cause)}`
}

/** For the operator: clients never see it. */
const stackOf = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)

const tenth = (value: number): number => Math.round(value * 10) / 10
