import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DetectOptions, ModelInfo, Timings } from '../detector-types.ts'
import { BoxletError } from '../errors.ts'

/** What one picture gave: everything that evaluation needs, without masks and points. */
export interface CachedResult {
  /** SHA-256 of the picture's bytes. */
  picture: string
  width: number
  height: number
  /** [class id, score, x1, y1, x2, y2] each, best first. */
  found: [number, number, number, number, number, number][]
  timings: Timings
}

/** A file of more is not read again but begun anew: 100,000 pictures of 300 boxes take 2 GB. */
const MAX_CACHE_BYTES = 2 ** 29 - 2 ** 20

/**
 * Results of one model with one set of options, so that a stopped evaluation goes on where it ended and a
 * second report costs no runs. One line of JSON per picture; a line that a crash cut is left out.
 */
export class ResultCache {
  private readonly path: string
  private readonly results: Map<string, CachedResult>

  private constructor(path: string, results: Map<string, CachedResult>) {
    this.path = path
    this.results = results
  }

  static async open(folder: string, key: string, fresh = false): Promise<ResultCache> {
    const path = join(folder, `${key}.ndjson`)
    try {
      await mkdir(folder, { recursive: true })
      if (fresh) await rm(path, { force: true })
      return new ResultCache(path, await readResults(path))
    } catch (cause) {
      throw new BoxletError(
        'CACHE_UNWRITABLE',
        'Expected a cache folder that can be written but it cannot.',
        {
          cause,
          hint: 'Set BOXLET_CACHE to another folder, or pass --no-cache.',
        },
      )
    }
  }

  get(picture: string): CachedResult | undefined {
    return this.results.get(picture)
  }

  /** Appends at once; a line is written by one call, so that two processes do not cut each other's. */
  async put(result: CachedResult): Promise<void> {
    this.results.set(result.picture, result)
    await appendFile(this.path, `${JSON.stringify(result)}\n`)
  }
}

async function readResults(path: string): Promise<Map<string, CachedResult>> {
  const results = new Map<string, CachedResult>()
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  )
  if (size === 0 || size > MAX_CACHE_BYTES) return results
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    try {
      const result = JSON.parse(line) as CachedResult
      if (typeof result.picture === 'string' && Array.isArray(result.found))
        results.set(result.picture, result)
    } catch {}
  }
  return results
}

/**
 * Names everything that changes what a model finds: its bytes, its contract, the options, and the release of
 * Boxlet, since preprocessing may differ between two.
 */
export function cacheKey(model: ModelInfo, options: DetectOptions, release: string): string {
  const { signal: _, ...kept } = options
  const text = JSON.stringify([release, model.sha256, model.contract, kept])
  return `${model.sha256.slice(0, 12)}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

export const hashPicture = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
