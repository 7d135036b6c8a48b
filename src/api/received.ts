/** Enough to recognise one's own value; a sentence is no place for a picture in base64. */
const MOST_CHARACTERS = 40

/** A value of a caller in a sentence, at a bounded length: `"0x1"`, `101`, `nothing`, `a list`. */
export function received(value: unknown): string {
  if (value === undefined || value === '') {
    return 'nothing'
  }
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value)
  }
  if (Array.isArray(value)) {
    return 'a list'
  }
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
