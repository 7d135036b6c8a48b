/** What `tune` shows: the curve as a picture, and the table. */

import { writeFile } from 'node:fs/promises'
import type { Architecture } from '../../aws/package/architecture.ts'
import type { Priced } from '../../aws/tune/measurement.ts'
import { BoxletError } from '../../errors.ts'
import { loadSharp } from '../../image/decode/load-sharp.ts'
import { alignColumns } from '../../system/words.ts'

/** As .png where the name ends so, else as .svg. */
export async function writeCurve(path: string, svg: string): Promise<void> {
  try {
    if (!path.toLowerCase().endsWith('.png')) {
      await writeFile(path, svg)
    } else {
      const sharp = await loadSharp()
      await sharp(Buffer.from(svg)).png().toFile(path)
    }
  } catch (cause) {
    throw new BoxletError('OUTPUT_UNWRITABLE', `Expected to write the curve to ${path} but could not.`, {
      cause,
    })
  }
}

/** One line for each size, and the one to take. */
export function table(rows: readonly Priced[], best: Priced | undefined, arch: Architecture): string {
  const header = ['memory', 'cold', 'warm', 'worst', 'processor', 'peak', '$/million', 'images/$']
  const ms = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '-' : `${Math.round(value)} ms`
  const body = rows.map((row) => [
    `${row.memoryMb} MB`,
    ms(row.coldMs),
    ms(row.warmMs),
    ms(row.worstMs),
    ms(row.cpuMs),
    row.peakMemoryMb === undefined ? '-' : `${Math.round(row.peakMemoryMb)} MB`,
    row.dollarsPerMillion.toFixed(2),
    Math.round(row.imagesPerDollar).toLocaleString('en-US'),
  ])
  const advice =
    best === undefined
      ? 'No size has memory to spare; try larger ones.'
      : `Recommended: ${best.memoryMb} MB (${arch} list price).`
  return `${[...alignColumns([header, ...body], () => true), advice].join('\n')}\n`
}
