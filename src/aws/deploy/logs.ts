import { setTimeout as sleep } from 'node:timers/promises'
import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import { defined } from '../../system/defined.ts'
import { loadSdk } from '../clients/sdk.ts'
import { type GroupPage, LogGroupReader } from './log-group.ts'
import { type AwsSession, awsFault, isPassing } from './session.ts'

const POLL_MS = 2000
/** A machine that slept, or changed its network, holds connections that never answer. */
const ANSWER_MS = 30_000

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
  /** Told once for a row of faults that following outlives. */
  onTrouble?(fault: Error): void
  pollMs?: number
  answerMs?: number
}

/**
 * Reads events in order of time; with `follow`, until it is aborted.
 *
 * @throws BoxletError ABORTED when it was aborted before all was read
 */
export async function readLogs(session: AwsSession, options: LogOptions): Promise<void> {
  const readers = readersOf(session, options)
  let reached = false
  let troubled = false
  for (;;) {
    try {
      for await (const { reader, event } of inOrder(readers)) {
        options.onEvent(event)
        if (options.follow) {
          reader.remember(event)
        }
      }
      reached = true
      troubled = false
    } catch (error) {
      if (options.follow && options.signal.aborted) {
        return
      }
      // The first round shows whether the call can work at all.
      if (!reached || !isPassing(error)) {
        throw error
      }
      if (!troubled) {
        options.onTrouble?.(error as Error)
      }
      troubled = true
    }
    if (!options.follow) {
      return
    }
    await sleep(options.pollMs ?? POLL_MS, undefined, { signal: options.signal }).catch(() => undefined)
    if (options.signal.aborted) {
      return
    }
  }
}

function readersOf(session: AwsSession, options: LogOptions): LogGroupReader[] {
  const { CloudWatchLogsClient, FilterLogEventsCommand } = loadSdk<
    typeof import('@aws-sdk/client-cloudwatch-logs')
  >('@aws-sdk/client-cloudwatch-logs')
  const client = new CloudWatchLogsClient({
    region: session.region,
    requestHandler: { socketTimeout: options.answerMs ?? ANSWER_MS },
  })
  return options.groups.map((logGroupName) => {
    const page: GroupPage = (startTime, nextToken) =>
      client.send(
        new FilterLogEventsCommand({
          logGroupName,
          startTime,
          nextToken,
          // So it always is on AWS; emulators return one stream after the other without it.
          interleaved: true,
          ...defined({ filterPattern: options.filter }),
        }),
        { abortSignal: options.signal },
      )
    return new LogGroupReader(page, options.since, (cause) =>
      awsFault(`show the logs of ${logGroupName}`, cause),
    )
  })
}

interface Found {
  reader: LogGroupReader
  event: FilteredLogEvent
}

/** Merges the groups while they are read, so that long logs neither wait for their end nor fill the memory. */
async function* inOrder(readers: readonly LogGroupReader[]): AsyncGenerator<Found> {
  const heads: { reader: LogGroupReader; rest: AsyncIterator<FilteredLogEvent>; event: FilteredLogEvent }[] =
    []
  for (const reader of readers) {
    const rest = reader.unseen()
    const { value: event, done } = await rest.next()
    if (!done) {
      heads.push({ reader, rest, event })
    }
  }
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => ((b.event.timestamp ?? 0) < (a.event.timestamp ?? 0) ? b : a))
    yield first
    const { value, done } = await first.rest.next()
    if (done) {
      heads.splice(heads.indexOf(first), 1)
    } else {
      first.event = value
    }
  }
}
