import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FileBlobStore } from './file-blob-store.ts'

describe('FileBlobStore', () => {
  let folder: string
  let store: FileBlobStore
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-blobs-'))
    await mkdir(join(folder, 'root', 'photos', 'a'), { recursive: true })
    await writeFile(join(folder, 'secret.txt'), 'secret')
    await writeFile(join(folder, 'root', 'photos', 'a', 'b.jpg'), 'picture')
    await symlink(join(folder, 'secret.txt'), join(folder, 'root', 'photos', 'link'))
    await symlink(folder, join(folder, 'root', 'outside'))
    store = new FileBlobStore(join(folder, 'root'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('reads what it wrote, and what lay there', async () => {
    expect(Buffer.from(await store.get({ bucket: 'photos', key: 'a/b.jpg' })).toString()).toBe('picture')
    await store.put({ bucket: 'results', key: 'deep/er/x.json' }, Buffer.from('{}'))
    expect(Buffer.from(await store.get({ bucket: 'results', key: 'deep/er/x.json' })).toString()).toBe('{}')
    expect(await readdir(join(folder, 'root', 'results', 'deep', 'er'))).toEqual(['x.json'])
  })

  it.each([
    ['photos', 'none.jpg'],
    ['none', 'a/b.jpg'],
    ['photos', 'a'],
    ['photos', '../../secret.txt'],
    ['photos', 'a/../../../secret.txt'],
    ['photos', '/etc/passwd'],
    ['photos', 'a//b.jpg'],
    ['photos', 'a\\b.jpg'],
    ['photos', 'a/b.jpg\0'],
    ['photos', 'link'],
    ['outside', 'secret.txt'],
    ['..', 'secret.txt'],
    ['.', 'photos'],
    ['', 'a'],
    ['Photos', 'a/b.jpg'],
    ['photos', ''],
    ['photos', 'x'.repeat(2000)],
  ])('finds nothing at %j %j', async (bucket, key) => {
    await expect(store.get({ bucket, key })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  it('never writes outside', async () => {
    for (const [bucket, key] of [
      ['photos', '../../x'],
      ['..', 'x'],
      ['outside', 'x'],
    ] as const) {
      await expect(store.put({ bucket, key }, new Uint8Array(1))).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      })
    }
    expect(await readdir(folder)).toEqual(['root', 'secret.txt'])
  })

  it('has no versions, and a limit of size', async () => {
    const ref = { bucket: 'photos', key: 'a/b.jpg' }
    await expect(store.get({ ...ref, version: '1' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(store.get(ref, { maxBytes: 3 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })
})
