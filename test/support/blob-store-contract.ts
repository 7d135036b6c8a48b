import { expect, it } from 'vitest'
import type { BlobStore } from '../../src/jobs/blob-store.ts'

/** What every store of blobs has to do, whatever lies behind it. `bucket` exists and is empty at the start. */
export function blobStoreContract(open: () => { store: BlobStore; bucket: string }): void {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const text = (data: Uint8Array): string => new TextDecoder().decode(data)

  it('gives back what was put', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'pictures/a b+ü.jpg' }
    await store.put(ref, bytes('first'), { contentType: 'image/jpeg' })
    expect(text(await store.get(ref))).toBe('first')
  })

  it('takes bytes that come in parts, large ones too, and none of those that break off', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'parts/whole' }
    async function* parts(count: number, breaks = false) {
      for (let i = 0; i < count; i++) {
        yield new Uint8Array(3 * 2 ** 20).fill(i)
      }
      if (breaks) {
        throw new Error('broken off')
      }
    }
    for (const count of [0, 1, 4]) {
      await store.put(ref, parts(count))
      const got = await store.get(ref)
      expect(got.length).toBe(count * 3 * 2 ** 20)
      expect(got.at(-1)).toBe(count === 0 ? undefined : count - 1)
    }
    await expect(store.put(ref, parts(5, true))).rejects.toBeDefined()
    expect((await store.get(ref)).length).toBe(4 * 3 * 2 ** 20)
  })

  it('replaces what is there', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'replaced.json' }
    await store.put(ref, bytes('one'))
    await store.put(ref, bytes('two'))
    expect(text(await store.get(ref))).toBe('two')
  })

  it('keeps empty blobs', async () => {
    const { store, bucket } = open()
    await store.put({ bucket, key: 'empty' }, new Uint8Array())
    expect((await store.get({ bucket, key: 'empty' })).length).toBe(0)
  })

  it('says that a blob or a bucket is not there', async () => {
    const { store, bucket } = open()
    await expect(store.get({ bucket, key: 'nothing.jpg' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(store.get({ bucket: 'no-such-bucket', key: 'a.jpg' })).rejects.toMatchObject({
      code: expect.stringMatching(/IMAGE_NOT_FOUND|FORBIDDEN/),
    })
  })

  it('refuses a blob above the limit and takes one at it', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'large.jpg' }
    await store.put(ref, new Uint8Array(1000))
    await expect(store.get(ref, { maxBytes: 999 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    expect((await store.get(ref, { maxBytes: 1000 })).length).toBe(1000)
  })

  it('reads a part, less of it at the end, and nothing behind the end', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'parts.txt' }
    await store.put(ref, bytes('0123456789'))
    const part = async (start: number, length: number) =>
      text(await store.get(ref, { range: { start, length } }))
    expect(await part(2, 3)).toBe('234')
    expect(await part(8, 5)).toBe('89')
    expect(await part(10, 5)).toBe('')
    expect(await part(50, 5)).toBe('')
  })

  it('lists by prefix, in order of the keys', async () => {
    const { store, bucket } = open()
    const keys = ['list/b/2.jpg', 'list/a.jpg', 'list/b.jpg', 'list/b/1.jpg', 'list-other.jpg']
    for (const key of keys) {
      await store.put({ bucket, key }, bytes(key))
    }
    const listed = async (prefix: string) => {
      const found: string[] = []
      for await (const { key } of store.list!(bucket, prefix)) {
        found.push(key)
      }
      return found
    }
    expect(await listed('list/')).toEqual(['list/a.jpg', 'list/b.jpg', 'list/b/1.jpg', 'list/b/2.jpg'])
    expect(await listed('list/b/')).toEqual(['list/b/1.jpg', 'list/b/2.jpg'])
    expect(await listed('list/b')).toEqual(['list/b.jpg', 'list/b/1.jpg', 'list/b/2.jpg'])
    expect(await listed('nothing')).toEqual([])
  })

  it('removes what is there, and does not mind what is not', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'gone/a.jpg' }
    await store.put(ref, bytes('a'))
    await store.remove!(ref)
    await expect(store.get(ref)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await store.remove!(ref)
  })

  it('stops when it is cancelled', async () => {
    const { store, bucket } = open()
    const ref = { bucket, key: 'cancelled.jpg' }
    await store.put(ref, new Uint8Array(10))
    await expect(store.get(ref, { signal: AbortSignal.abort() })).rejects.toBeDefined()
  })
}
