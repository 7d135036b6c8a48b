import { oneLine } from './printable.ts'

/** "1 object", "2 objects", for nouns that take an s. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** A share as a number of hundredths, without the sign; a dash for none, which averages give as −1. */
export const percent = (share: number | undefined, digits = 1): string =>
  share === undefined || share < 0 ? '–' : (share * 100).toFixed(digits)

/** Bytes in megabytes of a million each, without the unit: consoles and most file managers count so. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

/**
 * Lines of a table: columns two spaces apart, each as wide as its widest cell. What ends a row and stands to the left
 * widens no column.
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  isRight: (column: number) => boolean = () => false,
): string[] {
  const widths: number[] = []
  const cells = rows.map((row) => row.map(oneLine))
  for (const row of cells) {
    row.forEach((cell, column) => {
      if (column < row.length - 1 || isRight(column)) {
        widths[column] = Math.max(widths[column] ?? 0, cellsOf(cell))
      }
    })
  }
  const padded = (cell: string, column: number) => {
    const room = ' '.repeat(Math.max(0, (widths[column] ?? 0) - cellsOf(cell)))
    return isRight(column) ? room + cell : cell + room
  }
  return cells.map((row) => row.map(padded).join('  ').trimEnd())
}

/** Letters of Chinese, Japanese and Korean take two cells of a terminal, and marks on a letter none. */
const WIDE = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\uff01-\uff60]/gu
const MARKS = /\p{Mn}/gu

const cellsOf = (text: string): number =>
  text.length + (text.match(WIDE)?.length ?? 0) - (text.match(MARKS)?.length ?? 0)

/** Names close enough to be what the writer meant, nearest first, three at most. */
export function nearestNames(written: string, names: readonly string[]): string[] {
  const target = written.toLowerCase()
  if (names.includes(target)) {
    return [target]
  }
  return names
    .map((name) => ({
      name,
      distance: target !== '' && name.startsWith(target) ? 0.5 : editDistance(target, name),
    }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
