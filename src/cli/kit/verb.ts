import type { Readable, Writable } from 'node:stream'

/** 0 all done, 1 some inputs failed, 2 wrong usage, 3 nothing could be done. */
export type ExitCode = 0 | 1 | 2 | 3

/** What a verb may touch of the process; tests pass their own. */
export interface Io {
  /** Results only. */
  stdout: Writable
  /** Progress and messages. */
  stderr: Writable
  stdin: Readable
  env: Record<string, string | undefined>
  /** Aborted on Ctrl-C: finish what is done, write it, and return. */
  signal: AbortSignal
}

/** One verb of the command line, one file each. A verb prints; the work is done elsewhere. */
export interface Verb {
  name: string
  /** One line for the overview. */
  summary: string
  /** Full help: usage line, options with units and defaults, examples. */
  help: string
  /** @throws BoxletError for anything that a person should read */
  run(args: string[], io: Io): Promise<ExitCode>
}
