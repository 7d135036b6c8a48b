import { stat } from 'node:fs/promises'
import type { StoredKey } from '../api/auth/key-document.ts'
import type { AccessKey, BearerKey, KeyStore } from '../api/auth/key-store.ts'
import { readKeys } from './key-file.ts'

/** A revoked key stops working within this time, without a restart. */
const CHECK_MS = 1_000

/** Keys of a file, read again when it changes. A file that cannot be read has no keys: nobody gets in. */
export class FileKeyStore implements KeyStore {
  readonly #path: string
  #keys = new Map<string, StoredKey>()
  #version = ''
  #checked = Number.NEGATIVE_INFINITY

  constructor(path: string) {
    this.#path = path
  }

  async bearer(id: string): Promise<BearerKey | undefined> {
    const key = await this.#find(id)
    return key?.kind === 'bearer' ? key : undefined
  }

  async access(id: string): Promise<AccessKey | undefined> {
    const key = await this.#find(id)
    return key?.kind === 'access' ? key : undefined
  }

  async #find(id: string): Promise<StoredKey | undefined> {
    if (performance.now() - this.#checked > CHECK_MS) {
      await this.#refresh()
    }
    return this.#keys.get(id)
  }

  async #refresh(): Promise<void> {
    const stats = await stat(this.#path).catch(() => undefined)
    const version = stats === undefined ? 'none' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`
    if (version !== this.#version) {
      const keys = await readKeys(this.#path).catch(() => [])
      this.#keys = new Map(keys.map((key) => [key.id, key]))
      this.#version = version
    }
    this.#checked = performance.now()
  }
}
