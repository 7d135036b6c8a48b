/** What a person sees of a download: a bar on a terminal, and lines that matter everywhere. */

import type { DownloadProgress, StoreOptions } from '../../store/store.ts'
import { megabytes } from '../../system/words.ts'
import { clearStatus, drawStatus, isTerminal } from './terminal.ts'
import type { Io } from './verb.ts'

/** Fast enough to look alive, slow enough for a remote terminal. */
const REDRAW_MS = 100
const BAR_CELLS = 24

/** Store options that report on `io.stderr`; call `end` when the work is over, whichever way it went. */
export function storeProgress(io: Io): StoreOptions & { end(): void } {
  let started = Date.now()
  let drawn = 0
  return {
    env: io.env,
    signal: io.signal,
    ...(isTerminal(io.stderr)
      ? {
          onProgress: (progress: DownloadProgress) => {
            const now = Date.now()
            // What comes before the first byte, such as other files of the package, is not its rate.
            if (progress.done === 0) {
              started = now
            }
            if (now - drawn < REDRAW_MS && progress.done < progress.total) {
              return
            }
            drawn = now
            drawStatus(io, progressLine(progress, (now - started) / 1000))
          },
        }
      : {}),
    onNotice: (line) => void io.stderr.write(`boxlet: ${line}\n`),
    end: () => clearStatus(io),
  }
}

/** `yolov8n  ██████░░░░  6.1 of 12.8 MB  3.2 MB/s` */
export function progressLine({ name, done, total }: DownloadProgress, seconds: number): string {
  const cells = Math.round((done / total) * BAR_CELLS)
  const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells)
  const rate = seconds > 0.5 && done > 0 ? `  ${megabytes(done / seconds)} MB/s` : ''
  return `${name}  ${bar}  ${megabytes(done)} of ${megabytes(total)} MB${rate}`
}
