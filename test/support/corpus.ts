import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Folder of real models and pictures, by `BOXLET_CORPUS` or beside the checkout; undefined in a fresh clone. */
const corpus: string | undefined = [
  process.env.BOXLET_CORPUS,
  resolve(import.meta.dirname, '../../../shared/corpus'),
].find((folder) => folder !== undefined && existsSync(resolve(folder, 'MANIFEST.json')))

/** Path inside the corpus. Call only in tests guarded by `hasCorpus`. */
export const corpusPath = (path: string): string => resolve(corpus ?? '', path)
export const corpusBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(corpusPath(path)))
export const hasCorpus = corpus !== undefined
