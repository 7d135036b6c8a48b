import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { FileBlobStore } from '../src/local/file-blob-store.ts'
import { blobStoreContract } from './support/blob-store-contract.ts'

describe('FileBlobStore as a blob store', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-blobs-'))
    mkdirSync(join(folder, 'bucket'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  blobStoreContract(() => ({ store: new FileBlobStore(folder), bucket: 'bucket' }))
})
