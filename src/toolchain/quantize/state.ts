import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from '../../system/record.ts'
import { saveFile } from '../../system/save-file.ts'
import { noStatistics, type Statistics } from './calibrate.ts'

/** Pictures between two writings: a stop then loses seconds, and writing is no part of the time. */
const EVERY = 4

/** What calibration found so far, kept beside the cache so that the same call goes on after a stop. */
export class CalibrationState {
  readonly #path: string

  /** @param key names the model, the pictures and the code */
  constructor(folder: string, key: string) {
    this.#path = join(folder, 'calibrations', `${key}.json`)
  }

  /** Empty where there is none, or one that is not of this form. */
  async read(): Promise<Statistics> {
    try {
      return parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch {
      return noStatistics()
    }
  }

  async put(done: number, statistics: Statistics, isLast: boolean): Promise<void> {
    if (done % EVERY === 0 || isLast) {
      await this.save(statistics)
    }
  }

  async save({ ranged, counted, readable, values, means }: Statistics): Promise<void> {
    const text = JSON.stringify({
      ranged,
      counted,
      readable,
      values: [...values].map(([name, { low, high, counts }]) => [name, low, high, ...counts]),
      means: [...means].map(([name, sums]) => [name, ...sums]),
    })
    await saveFile(this.#path, text)
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}

function parse(json: unknown): Statistics {
  if (!isRecord(json) || !Array.isArray(json.values) || !Array.isArray(json.means)) {
    return noStatistics()
  }
  const rows = (list: unknown[]) => list.map((row) => row as [string, ...number[]])
  return {
    ranged: Number(json.ranged),
    counted: Number(json.counted),
    readable: Number(json.readable),
    values: new Map(
      rows(json.values).map(([name, low, high, ...counts]) => [
        name,
        { low: low!, high: high!, counts: Float64Array.from(counts) },
      ]),
    ),
    means: new Map(rows(json.means).map(([name, ...sums]) => [name, Float64Array.from(sums)])),
  }
}
