import { visit } from 'jsonc-parser'

/**
 * Lines (first is 1) of the given elements of top-level arrays in a JSON text, e.g. `annotations[12]`.
 *
 * `JSON.parse` keeps no positions and reads a large file many times faster than any reader that does, so the
 * text is walked a second time, and only when there is something to report.
 */
export function elementLines(text: string, wanted: ReadonlySet<string>): Map<string, number> {
  const lines = new Map<string, number>()
  try {
    visit(text, {
      onObjectBegin(_offset, _length, line, _character, path) {
        const [array, index, ...deeper] = path()
        if (typeof index !== 'number' || deeper.length > 0) {
          return undefined
        }
        const place = `${String(array)}[${index}]`
        if (wanted.has(place)) {
          lines.set(place, line + 1)
        }
        return false
      },
      // The visitor leaves a skipped object only when it has someone to tell.
      onObjectEnd() {},
    })
  } catch {
    // The visitor calls itself per level, and a file of ten thousand brackets ends its stack: lines are a
    // comfort, so such a file is reported without them.
  }
  return lines
}
