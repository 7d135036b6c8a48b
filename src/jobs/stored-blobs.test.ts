import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ownBlobsContract } from '../../test/support/own-blobs-contract.ts'
import { ContentBlobs } from '../local/content-blobs.ts'
import { FileBlobStore } from '../local/file-blob-store.ts'
import { StoredBlobs } from './stored-blobs.ts'

describe('blobs of a store', () => {
  const folders: string[] = []
  const newFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-own-blobs-'))
    folders.push(folder)
    return folder
  }
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

  describe('in a folder', () => ownBlobsContract(async () => new ContentBlobs(await newFolder())))
  describe('below a prefix of an object store', () => {
    const open = async (folder: string) =>
      new StoredBlobs(new FileBlobStore(folder), { bucket: 'shared', prefix: 'boxlet/' })
    ownBlobsContract(async () => open(await newFolder()))

    it("touches nothing that is not the store's", async () => {
      const folder = await newFolder()
      const blobs = await open(folder)
      await blobs.keep(Buffer.from('left'))
      const others = new FileBlobStore(folder)
      await others.put({ bucket: 'shared', key: 'boxlet/notes.txt' }, Buffer.from('mine'))
      await others.put({ bucket: 'shared', key: `other/aa/${'a'.repeat(64)}` }, Buffer.from('mine'))
      expect(await blobs.sweep(async () => false, Date.now() + 1e9)).toBe(1)
      expect((await others.get({ bucket: 'shared', key: 'boxlet/notes.txt' })).length).toBe(4)
    })
  })
})
