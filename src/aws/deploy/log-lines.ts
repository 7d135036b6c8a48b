import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'

/** One line for a person: time, level, and what matters of our own JSON lines; others as they are. */
export function formatLogEvent({ timestamp = 0, message = '' }: FilteredLogEvent): string | undefined {
  const line = message.trimEnd()
  const entry = asRecord(line)
  // Metrics travel as log lines; a person has the dashboard for them.
  if (entry !== undefined && '_aws' in entry) return undefined
  const text = (entry === undefined ? '' : ownParts(entry)) || line
  return `${new Date(timestamp).toISOString()} ${printable(text)}`
}

/** Empty for a line in another's form, which would lose what it says. */
function ownParts(entry: Record<string, unknown>): string {
  const { level, message, status, route, duration, model, error, stages, ref, cause } = entry
  if (typeof message !== 'string') return ''
  const ms = typeof duration === 'number' ? `${Math.round(duration)} ms` : undefined
  return [level, message, status, route, ms, model, error, ref, stages, cause]
    .map(describe)
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
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
