import { visit } from 'jsonc-parser'

/**
 * Lines (first is 1) of the given elements of top-level arrays in a JSON text, e.g. `annotations[12]`.
 *
 * `JSON.parse` keeps no positions and reads a large file many times faster than any reader that does, so the
 * text is walked a second time, and only when there is something to report.
 */
export function elementLines(text: string, wanted: ReadonlySet<string>): Map<string, number> {
  const lines = new Map<string, number>()
  visit(text, {
    onObjectBegin(_offset, _length, line, _character, path) {
      const [array, index, ...deeper] = path()
      if (typeof index === 'number' && deeper.length === 0) {
        const place = `${String(array)}[${index}]`
        if (wanted.has(place)) lines.set(place, line + 1)
        return false
      }
      return undefined
    },
  })
  return lines
}

/** Line and column of the character offset, both from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}
