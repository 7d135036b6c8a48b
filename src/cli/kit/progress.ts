import { clearStatus, drawStatus, isTerminal } from './terminal.ts'
import type { Io } from './verb.ts'

/** Fast enough to look alive, slow enough for a remote terminal. */
const REDRAW_MS = 100
/** A rate over fewer seconds jumps about. */
const LEAST_SECONDS = 0.5

/**
 * A line on a terminal that tells how many of a known number are done, the rate and the time left. Draws
 * nothing for a single one, or when messages go to a file.
 *
 * @param before those that were done before it began, which say nothing of the rate
 */
export function progressLine(io: Io, total: number, unit: string, before = 0) {
  const shown = total > 1 && isTerminal(io.stderr)
  const started = performance.now()
  let drawn = Number.NEGATIVE_INFINITY
  return {
    update(done: number): void {
      const now = performance.now()
      if (!shown || (now - drawn < REDRAW_MS && done < total)) {
        return
      }
      drawn = now
      const seconds = (now - started) / 1000
      const rate = seconds < LEAST_SECONDS ? undefined : (done - before) / seconds
      const speed = rate === undefined ? '' : `  ${rate.toFixed(1)} ${unit}/s`
      const left = rate === undefined || rate === 0 ? '' : `  ${timeLeft((total - done) / rate)} left`
      drawStatus(io, `${done}/${total}${speed}${left}`)
    },
    clear(): void {
      clearStatus(io)
    },
  }
}

function timeLeft(seconds: number): string {
  if (seconds < 60) {
    return `${Math.ceil(seconds)} s`
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`
  }
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`
}
