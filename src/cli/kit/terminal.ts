import type { Writable } from 'node:stream'
import { oneLine, printable } from '../../system/printable.ts'
import type { Io } from './verb.ts'

/** The line of progress at the bottom of a terminal, of which there is one. */
interface StatusLine {
  readonly out: Writable
  isShown: boolean
}

/** By the guarded stream of messages. */
const LINES = new WeakMap<Writable, StatusLine>()
const ERASE = '\r\u001b[K'

export const isTerminal = (stream: object): boolean => 'isTTY' in stream && stream.isTTY === true

/**
 * The same streams, but what is written to them cannot command the terminal, whoever wrote it, and is never glued
 * to a line of progress. Bytes that go to a file or pipe are left as they are.
 */
export function guarded(io: Io): Io {
  const line: StatusLine = { out: io.stderr, isShown: false }
  const stderr = guardedStream(io.stderr, line)
  LINES.set(stderr, line)
  return { ...io, stderr, stdout: guardedStream(io.stdout, line) }
}

function guardedStream(stream: Writable, line: StatusLine): Writable {
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (isTerminal(stream)) {
      erase(line)
    }
    const text =
      typeof chunk === 'string'
        ? printable(chunk)
        : isTerminal(stream)
          ? printable(Buffer.from(chunk).toString())
          : chunk
    return (stream.write as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean)(text, ...rest)
  }
  return new Proxy(stream, {
    get(target, key) {
      if (key === 'write') {
        return write
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Draws the line of progress again. Without a terminal nothing is drawn. */
export function drawStatus({ stderr }: Pick<Io, 'stderr'>, text: string): void {
  const line = LINES.get(stderr)
  if (line !== undefined && isTerminal(stderr)) {
    line.out.write(`${ERASE}${oneLine(text)}`)
    line.isShown = true
  }
}

export function clearStatus({ stderr }: Pick<Io, 'stderr'>): void {
  const line = LINES.get(stderr)
  if (line !== undefined) {
    erase(line)
  }
}

function erase(line: StatusLine): void {
  if (line.isShown) {
    line.out.write(ERASE)
    line.isShown = false
  }
}
