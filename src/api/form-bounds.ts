import { BoxletError } from '../errors.ts'

/** Options and addresses; a form that has more is no form of ours. */
export const MOST_FIELDS = 64

/**
 * Counts the parts of a form whose pieces are told in their order, and stops at the first beyond the bound: a form is
 * read when it is there as a whole, and hundreds of thousands of parts fit into one. What is no form is left to the reader.
 */
export class FormCount {
  readonly #most: number
  readonly #delimiter: Buffer | undefined
  /** End of the piece before, in which a delimiter may have begun. */
  #rest = Buffer.alloc(0)
  #delimiters = 0

  /** @param mostFiles beside which {@link MOST_FIELDS} fields may stand */
  constructor(contentType: string, mostFiles: number) {
    this.#most = mostFiles + MOST_FIELDS
    const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? []
    const boundary = quoted ?? plain
    // The first one may stand at the very beginning, without a line before it.
    this.#delimiter = boundary === undefined ? undefined : Buffer.from(`\n--${boundary}`, 'latin1')
  }

  /** @throws BoxletError REQUEST_INVALID */
  add(piece: Uint8Array): void {
    const delimiter = this.#delimiter
    if (delimiter === undefined) {
      return
    }
    const bytes = Buffer.concat([this.#rest, piece])
    let from = 0
    for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, from)) {
      from = at + delimiter.length
      // One more ends the form.
      if (++this.#delimiters > this.#most + 1) {
        throw new BoxletError(
          'REQUEST_INVALID',
          `Expected at most ${this.#most} parts in a form but received more.`,
        )
      }
    }
    this.#rest = bytes.subarray(Math.max(from, bytes.length - delimiter.length + 1))
  }
}
