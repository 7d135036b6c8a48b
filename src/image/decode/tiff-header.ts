export interface TiffHeader {
  /** Bands that are colour: 1 grey or palette, 3 colour, 4 CMYK. */
  colours: number
  /** Bands beyond the colour ones, by what the file says of each: 0 nothing, 1 and 2 transparency. */
  extras: number[]
  /** Counted up to the limit that was given. */
  pages: number
}

/** Tags of a directory; real files have a few dozen. */
const MAX_TAGS = 4_096
/** Far more bands than any camera of a satellite has. */
const MAX_BANDS = 4_096

const PHOTOMETRIC = 262
const SAMPLES = 277
const EXTRA_SAMPLES = 338

/** Colour bands by PhotometricInterpretation: grey both ways, RGB, palette, mask, CMYK, YCbCr, Lab. */
const COLOURS: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 3,
  3: 1,
  4: 1,
  5: 4,
  6: 3,
  8: 3,
  9: 3,
  10: 3,
}

/**
 * What the first directory of a TIFF says of its bands, and how many pages there are. Undefined where the directory
 * cannot be read; the decoder proper then decides.
 *
 * source  TIFF 6.0 sections 2 and 18; BigTIFF by the LibTIFF project
 */
export function tiffHeader(bytes: Uint8Array, maxPages: number): TiffHeader | undefined {
  try {
    return new Reader(bytes).read(maxPages)
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined
    }
    throw error
  }
}

class Reader {
  readonly #view: DataView
  readonly #little: boolean
  readonly #big: boolean

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#little = this.#view.getUint8(0) === 0x49
    this.#big = this.#view.getUint16(2, this.#little) === 43
  }

  read(maxPages: number): TiffHeader | undefined {
    const first = this.#offset(this.#big ? 8 : 4)
    const tags = this.#tags(first)
    const samples = tags.get(SAMPLES)?.[0] ?? 1
    const colours = COLOURS[tags.get(PHOTOMETRIC)?.[0] ?? -1]
    if (colours === undefined || samples < colours || samples > MAX_BANDS) {
      return undefined
    }
    const named = tags.get(EXTRA_SAMPLES) ?? []
    const extras = Array.from({ length: samples - colours }, (_, i) => named[i] ?? 0)
    return { colours, extras, pages: this.#countPages(first, maxPages) }
  }

  #countPages(first: number, maxPages: number): number {
    let pages = 0
    for (let at = first; at !== 0 && pages <= maxPages; pages++) {
      at = this.#offset(this.#endOf(at).next)
    }
    return pages
  }

  #endOf(at: number): { count: number; entries: number; next: number } {
    const count = this.#big ? Number(this.#view.getBigUint64(at, this.#little)) : this.#short(at)
    const entries = at + (this.#big ? 8 : 2)
    return { count, entries, next: entries + count * (this.#big ? 20 : 12) }
  }

  /** Short values of the tags that matter. */
  #tags(at: number): Map<number, number[]> {
    const { count, entries } = this.#endOf(at)
    const size = this.#big ? 20 : 12
    const tags = new Map<number, number[]>()
    for (let i = 0; i < Math.min(count, MAX_TAGS); i++) {
      const entry = entries + i * size
      const tag = this.#short(entry)
      if (tag === PHOTOMETRIC || tag === SAMPLES || tag === EXTRA_SAMPLES) {
        tags.set(tag, this.#shorts(entry))
      }
    }
    return tags
  }

  /** Values lie in the entry where they fit, else where it says. */
  #shorts(entry: number): number[] {
    const count = Math.min(
      this.#big ? Number(this.#view.getBigUint64(entry + 4, this.#little)) : this.#long(entry + 4),
      MAX_BANDS,
    )
    const field = entry + (this.#big ? 12 : 8)
    const start = count * 2 <= (this.#big ? 8 : 4) ? field : this.#offset(field)
    return Array.from({ length: count }, (_, i) => this.#short(start + 2 * i))
  }

  #short = (at: number): number => this.#view.getUint16(at, this.#little)
  #long = (at: number): number => this.#view.getUint32(at, this.#little)
  #offset = (at: number): number =>
    this.#big ? Number(this.#view.getBigUint64(at, this.#little)) : this.#long(at)
}
