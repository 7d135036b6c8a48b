import { expect, it } from 'vitest'
import type { OwnBlobs } from '../../src/jobs/home.ts'

const HOUR = 3_600_000

/** What every place for a store's own blobs has to do. `open` gives an empty one. */
export function ownBlobsContract(open: () => Promise<OwnBlobs>): void {
  const text = async (blobs: OwnBlobs, ref: Awaited<ReturnType<OwnBlobs['keep']>>) =>
    Buffer.from(await blobs.get(ref)).toString()

  it('gives back what was kept, under one name for the same bytes', async () => {
    const blobs = await open()
    const one = await blobs.keep(Buffer.from('a picture'))
    expect(await blobs.keep(Buffer.from('a picture'))).toEqual(one)
    expect(await text(blobs, one)).toBe('a picture')
    expect((await blobs.keep(Buffer.from('another'))).key).not.toBe(one.key)
  })

  it('refuses what is too large, and says what is not there', async () => {
    const blobs = await open()
    const ref = await blobs.keep(Buffer.from('0123456789'))
    await expect(blobs.get(ref, { maxBytes: 9 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    const part = await blobs.get(ref, { range: { start: 2, length: 3 } })
    expect(Buffer.from(part).toString()).toBe('234')
    const gone = { ...ref, key: ref.key.replace(/.$/, (sign) => (sign === '0' ? '1' : '0')) }
    await expect(blobs.get(gone)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  it('sweeps what no job uses, once it is an hour old', async () => {
    const blobs = await open()
    const used = await blobs.keep(Buffer.from('used'))
    const left = await blobs.keep(Buffer.from('left'))
    const isUsed = async (key: string) => key === used.key
    expect(await blobs.sweep(isUsed, Date.now())).toBe(0)
    expect(await blobs.sweep(isUsed, Date.now() + 2 * HOUR)).toBe(1)
    expect(await text(blobs, used)).toBe('used')
    await expect(blobs.get(left)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })
}
