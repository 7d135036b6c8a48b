import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { joinBytes, readBounded } from './bytes.ts'
import { untilAborted } from './signals.ts'

const tooLong = () => new Error('too long')

describe('readBounded', () => {
  it('gives the pieces of a stream as one', async () => {
    const stream = Readable.from([Uint8Array.of(1, 2), 'A', Uint8Array.of(3)])
    expect([...(await readBounded(stream, 4, tooLong))]).toEqual([1, 2, 65, 3])
    expect(joinBytes([])).toEqual(new Uint8Array(0))
  })
  it('stops at the first piece that is too much, and closes the stream', async () => {
    const counted: number[] = []
    const stream = Readable.from([new Uint8Array(3), new Uint8Array(3), new Uint8Array(3)])
    await expect(readBounded(stream, 5, tooLong, (piece) => counted.push(piece.byteLength))).rejects.toThrow(
      'too long',
    )
    expect(counted).toEqual([3])
    expect(stream.destroyed).toBe(true)
  })
})

describe('untilAborted', () => {
  it('gives what the work gives', async () => {
    const { signal } = new AbortController()
    expect(await untilAborted(Promise.resolve(3), signal)).toBe(3)
    await expect(untilAborted(Promise.reject(new Error('own')), signal)).rejects.toThrow('own')
  })
  it('does not wait for work that ignores the signal', async () => {
    const controller = new AbortController()
    const waiting = untilAborted(new Promise(() => {}), controller.signal)
    controller.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
  })
  it('gives the reason for what the work threw because it was stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    const failed = Promise.reject(new Error('socket closed'))
    await expect(untilAborted(failed, signal, () => new Error('gone'))).rejects.toThrow('gone')
  })
})
