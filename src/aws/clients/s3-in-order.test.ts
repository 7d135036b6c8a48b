import { describe, expect, it } from 'vitest'
import type { S3BlobStore } from './s3-blob-store.ts'
import { isLater, putInOrder } from './s3-in-order.ts'

interface Stored {
  body: string
  etag: string
  metadata: Record<string, string>
}

/** One object that takes conditions as S3 does. */
function bucket() {
  let stored: Stored | undefined
  let writes = 0
  const refuse = (status: number) => Object.assign(new Error(), { $metadata: { httpStatusCode: status } })
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    const { Body, IfMatch, IfNoneMatch, Metadata } = command.input
    if (command.constructor.name === 'HeadObjectCommand') {
      if (stored === undefined) {
        throw refuse(404)
      }
      return { ETag: stored.etag, Metadata: stored.metadata }
    }
    if (
      (IfNoneMatch === '*' && stored !== undefined) ||
      (IfMatch !== undefined && IfMatch !== stored?.etag)
    ) {
      throw refuse(412)
    }
    writes++
    stored = { body: String(Body), etag: `"${writes}"`, metadata: Metadata as Record<string, string> }
    return {}
  }
  const put = (text: string, sequencer: string) =>
    putInOrder(
      { client: { send } } as unknown as S3BlobStore,
      { bucket: 'b', key: 'k' },
      Buffer.from(text),
      sequencer,
      {},
    )
  return { put, body: () => stored?.body }
}

describe('a result', () => {
  it('of the later event stays, whichever is written last', async () => {
    for (const order of [
      ['0A', '0B'],
      ['0B', '0A'],
    ]) {
      const { put, body } = bucket()
      for (const sequencer of order) {
        await put(sequencer, sequencer)
      }
      expect(body()).toBe('0B')
    }
  })

  it('of the later event stays when both are written at once', async () => {
    const { put, body } = bucket()
    await Promise.all(['03', '01', '04', '02'].map((sequencer) => put(sequencer, sequencer)))
    expect(body()).toBe('04')
  })

  it('of an event that comes twice is written again', async () => {
    const { put, body } = bucket()
    await put('one', '0A')
    await put('other', '0A')
    expect(body()).toBe('other')
  })
})

describe('the order of events', () => {
  it.each([
    ['0055AED6DCD90281E5', '0055AED6DCD90281E4', true],
    ['0055AED6DCD90281E5', '0055aed6dcd90281e5', false],
    ['00', '000', false],
    ['01', '00FF', true],
    ['00FF', '01', false],
  ])('%s after %s: %s', (one, other, later) => {
    expect(isLater(one, other)).toBe(later)
  })
})
