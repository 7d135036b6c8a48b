import { PassThrough, Readable } from 'node:stream'
import { main } from '../../src/cli/main.ts'

/** Runs the command line inside this process, with streams of its own. */
export async function boxlet(
  args: string[],
  options: {
    stdin?: Uint8Array | Readable
    env?: Record<string, string>
    signal?: AbortSignal
    onOutput?: (text: string) => void
  } = {},
) {
  const text = (stream: PassThrough) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    return () => Buffer.concat(parts).toString()
  }
  const stdout = new PassThrough()
  stdout.on('data', (part: Buffer) => options.onOutput?.(part.toString()))
  const stderr = new PassThrough()
  const [out, err] = [text(stdout), text(stderr)]
  const code = await main(args, {
    stdout,
    stderr,
    stdin:
      options.stdin instanceof Readable
        ? options.stdin
        : Readable.from(options.stdin === undefined ? [] : [options.stdin]),
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
  })
  return { code, out: out(), err: err() }
}
