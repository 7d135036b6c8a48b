import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs'

/** One line for a person: time, level, and what matters of our own JSON lines; others as they are. */
export function formatLogEvent({ timestamp = 0, message = '' }: FilteredLogEvent): string | undefined {
  const line = message.trimEnd()
  const entry = asRecord(line)
  // Metrics travel as log lines; where they say nothing else, a person has the dashboard for them.
  if (entry !== undefined && '_aws' in entry && typeof entry.message !== 'string') {
    return undefined
  }
  const text = (entry === undefined ? '' : ownParts(entry)) || line
  return `${new Date(timestamp).toISOString()} ${printable(text)}`
}

/** Empty for a line in another's form, which would lose what it says. */
function ownParts(entry: Record<string, unknown>): string {
  const { level, message, status, route, model, error, ref, cause } = entry
  const { duration = entry.Duration, stages = stagesOf(entry) } = entry
  if (typeof message !== 'string') {
    return ''
  }
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
  if (!line.startsWith('{')) {
    return undefined
  }
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function describe(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') {
    return value
  }
  return faultOf(value) ?? JSON.stringify(value)
}

/** An error in a line has its stack and place in the code too, which are of use to those who read the raw line. */
function faultOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined
  }
  const { name, code, message, hint, cause } = value as Record<string, unknown>
  if (typeof message !== 'string') {
    return undefined
  }
  const title = [name, code].filter((one) => typeof one === 'string' && one !== '').join(' ')
  const reason = typeof cause === 'string' ? cause : faultOf(cause)
  const words = typeof hint === 'string' ? `${message} ${hint}` : message
  return [title, words, reason].filter(Boolean).join(': ')
}

/** Requests put words of their own into lines; escape sequences in them must not reach the terminal. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\t\n]/gu, '?')
