/**
 * Text that Boxlet did not write (names, metadata, labels, answers of servers) may hold what a terminal obeys:
 * escape sequences that move the cursor, retitle the window or write to the clipboard, and marks that turn the
 * direction of what follows. Everything that is printed passes here.
 */

/** Controls of C0 and C1, DEL, the line and paragraph separators, and marks of direction. */
const OBEYED = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const LAYOUT = /^[\n\t]$/

/** As JSON and most languages write it, so that JSON that holds it has the same value afterwards. */
const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text of several lines: keeps line ends and tabs. */
export const printable = (text: string): string =>
  text.replace(OBEYED, (character, at: number) =>
    LAYOUT.test(character) || (character === '\r' && text[at + 1] === '\n') ? character : escapeOf(character),
  )

/** Text that must not begin a line of its own: a name, a cell of a table, a message. */
export const oneLine = (text: string): string => text.replace(OBEYED, escapeOf)
