import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DetectOptions, ModelInfo, Timings } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { makeFolder } from '../system/make-folder.ts'

/** What one picture gave: everything that evaluation needs, without masks and points. */
export interface CachedResult {
  /** SHA-256 of the picture's bytes. */
  picture: string
  width: number
  height: number
  /** Class id, score, x1, y1, x2, y2 of each detection, best first, one after the other. */
  found: number[]
  /** Label of each detection, where class ids mean nothing. */
  labels?: string[]
  timings: Timings
}

/** Numbers in `found` for one detection. */
export const NUMBERS = 6

/** Lines of more are not Boxlet's: 10,000 detections take 1 MB. */
const MAX_LINE = 2 ** 24

/**
 * Results of one model with one set of options, so that a stopped evaluation goes on where it ended and a
 * second report costs no runs. One line of JSON per picture; a line that a crash cut is left out.
 */
export class ResultCache {
  readonly #path: string
  readonly #results: Map<string, CachedResult>

  private constructor(path: string, results: Map<string, CachedResult>) {
    this.#path = path
    this.#results = results
  }

  static async open(folder: string, key: string, fresh = false): Promise<ResultCache> {
    const path = join(folder, `${key}.ndjson`)
    try {
      await makeFolder(folder)
      if (fresh) {
        await rm(path, { force: true })
      }
      return new ResultCache(path, await readResults(path))
    } catch (cause) {
      throw new BoxletError(
        'CACHE_UNWRITABLE',
        'Expected a cache folder that can be written but it cannot.',
        {
          cause,
          hint: 'Set BOXLET_CACHE to another folder, or pass --no-reuse.',
        },
      )
    }
  }

  get(picture: string): CachedResult | undefined {
    return this.#results.get(picture)
  }

  /** Appends at once; a line is written by one call, so that two processes do not cut each other's. */
  async put(result: CachedResult): Promise<void> {
    this.#results.set(result.picture, result)
    await appendFile(this.#path, `${JSON.stringify(result)}\n`)
  }
}

async function readResults(path: string): Promise<Map<string, CachedResult>> {
  const results = new Map<string, CachedResult>()
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  if (!exists) {
    return results
  }
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const result = parseLine(line)
    if (result !== undefined) {
      results.set(result.picture, result)
    }
  }
  return results
}

function parseLine(line: string): CachedResult | undefined {
  if (line === '' || line.length > MAX_LINE) {
    return undefined
  }
  try {
    const result = JSON.parse(line) as CachedResult
    const whole = typeof result.picture === 'string' && result.found.length % NUMBERS === 0
    return whole && result.found.every(Number.isFinite) ? result : undefined
  } catch {
    return undefined
  }
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
