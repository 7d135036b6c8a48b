import { setTimeout as sleep } from 'node:timers/promises'
import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import { loadSdk, sdkFault } from '../sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

const POLL_MS = 2000

export interface LogOptions {
  /** Log groups, one for each function. */
  groups: readonly string[]
  /** Milliseconds since the epoch. */
  since: number
  /** CloudWatch filter pattern. */
  filter?: string | undefined
  follow: boolean
  signal: AbortSignal
  onEvent(event: FilteredLogEvent): void
}

/** Reads events in order; with `follow`, until it is aborted. */
export async function readLogs(session: AwsSession, options: LogOptions): Promise<void> {
  const { CloudWatchLogsClient, FilterLogEventsCommand } = loadSdk<
    typeof import('@aws-sdk/client-cloudwatch-logs')
  >('@aws-sdk/client-cloudwatch-logs')
  const client = new CloudWatchLogsClient({ region: session.region })
  const seen = new Set<string>()
  let since = options.since
  while (!options.signal.aborted) {
    const found: FilteredLogEvent[] = []
    for (const logGroupName of options.groups) {
      let nextToken: string | undefined
      do {
        const page = await client
          .send(
            new FilterLogEventsCommand({
              logGroupName,
              startTime: since,
              nextToken,
              ...(options.filter === undefined ? {} : { filterPattern: options.filter }),
            }),
          )
          .catch((cause) => {
            // A function that was never called has no group yet where the group is not part of the stack.
            if (sdkFault(cause).name === 'ResourceNotFoundException')
              return { events: [], nextToken: undefined }
            throw awsFault(`the logs of ${logGroupName}`, cause)
          })
        found.push(...(page.events ?? []))
        nextToken = page.nextToken
      } while (nextToken !== undefined)
    }
    found.sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))
    for (const event of found) {
      if (event.eventId === undefined || seen.has(event.eventId)) continue
      seen.add(event.eventId)
      since = Math.max(since, event.timestamp ?? since)
      options.onEvent(event)
    }
    if (!options.follow) return
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

/** One line for a person: time, level, and what matters of our own JSON lines; others as they are. */
export function formatLogEvent({ timestamp = 0, message = '' }: FilteredLogEvent): string | undefined {
  const time = new Date(timestamp).toISOString()
  const line = message.trimEnd()
  if (!line.startsWith('{')) return `${time} ${line}`
  try {
    const entry = JSON.parse(line) as Record<string, unknown>
    // Metrics travel as log lines; a person has the dashboard for them.
    if ('_aws' in entry) return undefined
    const { level, message: text, status, route, duration, model, error, stages, ref } = entry
    const ms = typeof duration === 'number' ? `${Math.round(duration)} ms` : undefined
    const parts = [level, text, status, route, ms, model, describe(error), describe(ref), describe(stages)]
    return `${time} ${parts.filter((part) => part !== undefined && part !== '').join(' ')}`
  } catch {
    return `${time} ${line}`
  }
}

const describe = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value)
