import { Readable, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { serveStdio } from './stdio.ts'

/** Ids of the answers to an input that comes in pieces of so many bytes. */
async function answered(input: string, pieceBytes: number): Promise<unknown[]> {
  const bytes = Buffer.from(input)
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  )
  let out = ''
  const output = new Writable({
    write(chunk, _encoding, done) {
      out += chunk
      done()
    },
  })
  const source = Readable.from(pieces, { objectMode: false })
  await serveStdio({ version: '0', tools: [] }, source, output, new AbortController().signal)
  return out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: unknown }).id)
}

const ping = (id: string) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })

describe('messages on standard input', () => {
  it.each([1, 3, 64, 1_000_000])('are found in pieces of %i bytes', async (pieceBytes) => {
    const input = `${ping('a')}\n\n${ping('größe €')}\r\n  \n${ping('c'.repeat(2_000))}\n`
    expect(await answered(input, pieceBytes)).toEqual(['a', 'größe €', 'c'.repeat(2_000)])
  })

  it('may be megabytes long, in small pieces', async () => {
    const id = 'x'.repeat(8_000_000)
    expect(await answered(`${ping(id)}\n${ping('after')}\n`, 512)).toEqual([id, 'after'])
  })

  it('end the service where a line has no end', async () => {
    await expect(answered('x'.repeat(65 * 2 ** 20), 2 ** 20)).rejects.toThrow('A message has more than')
  })
})
