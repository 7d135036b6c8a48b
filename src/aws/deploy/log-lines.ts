import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'

/** One line for a person: time, level, and what matters of our own JSON lines; others as they are. */
export function formatLogEvent({ timestamp = 0, message = '' }: FilteredLogEvent): string | undefined {
  const line = message.trimEnd()
  const entry = asRecord(line)
  // Metrics travel as log lines; where they say nothing else, a person has the dashboard for them.
  if (entry !== undefined && '_aws' in entry && typeof entry.message !== 'string') return undefined
  const text = (entry === undefined ? '' : ownParts(entry)) || line
  return `${new Date(timestamp).toISOString()} ${printable(text)}`
}

/** Empty for a line in another's form, which would lose what it says. */
function ownParts(entry: Record<string, unknown>): string {
  const { level, message, status, route, model, error, ref, cause } = entry
  const { duration = entry.Duration, stages = stagesOf(entry) } = entry
  if (typeof message !== 'string') return ''
  const ms = typeof duration === 'number' ? `${Math.round(duration)} ms` : undefined
  return [level, message, status, route, ms, model, error, ref, stages, cause]
    .map(describe)
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
}

/** Times of the parts of a call or a start, which are metrics in the line. */
function stagesOf(entry: Record<string, unknown>): Record<string, unknown> | undefined {
  const found = Object.entries(entry).filter(([name]) =>
    /^(Init[A-Z]\w+|Decode|Prepare|Run|Boxes)$/.test(name),
  )
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

function asRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

const describe = (value: unknown): string | undefined =>
  value === undefined || typeof value === 'string' ? value : JSON.stringify(value)

/** Requests put words of their own into lines; escape sequences in them must not reach the terminal. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\t\n]/gu, '?')
