import { XMLParser } from 'fast-xml-parser'
import { isRecord } from '../system/record.ts'
import { MAX_EDGE, MAX_OBJECTS_PER_PICTURE } from './limits.ts'

/** One `<object>` of a VOC file, numbers as written. */
export interface VocObject {
  name: string
  xmin: number
  ymin: number
  xmax: number
  ymax: number
  difficult: boolean
  truncated: boolean
  pose: string | undefined
  line: number
}

export interface VocFile {
  fileName: string | undefined
  /** Undefined when the file does not say, or says 0 as some tools do. */
  size: { width: number; height: number } | undefined
  objects: VocObject[]
  /** Objects that could not be read, with their lines. */
  invalid: { line: number; message: string }[]
}

// The library types it as `Symbol`, which TypeScript does not take as a key.
const META = XMLParser.getMetaDataSymbol() as symbol

/**
 * Entities beyond XML's own five are not expanded, so that a file of a hundred bytes cannot grow to
 * gigabytes; values stay text, so that a class called "1e3" keeps its name.
 */
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: { enabled: true, maxTotalExpansions: 10_000, maxExpandedLength: 1_000_000 },
  captureMetaData: true,
  // Some tools write `<Annotation>` or `<Object>`; no two elements of VOC differ by case alone.
  transformTagName: (name) => name.toLowerCase(),
  isArray: (name, path) => name === 'object' && path === 'annotation.object',
})

type Element = Record<string | symbol, unknown>

/** Reads the text of one Pascal VOC annotation. Throws Error with one line for text that is not such a file. */
export function parseVoc(text: string): VocFile {
  const document = parser.parse(text, true) as Element
  const root = document.annotation
  if (!isElement(root)) {
    throw new Error('Expected <annotation> as the root element')
  }
  const entries = root.object === undefined ? [] : (root.object as unknown[])
  if (entries.length > MAX_OBJECTS_PER_PICTURE) {
    throw new Error(`Expected at most ${MAX_OBJECTS_PER_PICTURE} objects but received ${entries.length}`)
  }
  const lines = new LineCounter(text)
  const file: VocFile = {
    fileName: textOf(root.filename),
    size: readSize(root.size),
    objects: [],
    invalid: [],
  }
  for (const entry of entries) {
    const line = lines.at(isElement(entry) ? startOf(entry) : 0)
    const object = isElement(entry) ? readObject(entry, line) : undefined
    if (object === undefined) {
      file.invalid.push({
        line,
        message: 'Expected <name> and <bndbox> with four finite numbers in <object>',
      })
    } else {
      file.objects.push(object)
    }
  }
  return file
}

const startOf = (element: Element): number =>
  (element[META] as { startIndex?: number } | undefined)?.startIndex ?? 0

function readObject(entry: Element, line: number): VocObject | undefined {
  const box = Array.isArray(entry.bndbox) ? entry.bndbox[0] : entry.bndbox
  const name = textOf(entry.name)
  if (!isElement(box) || name === undefined || name === '') {
    return undefined
  }
  const [xmin, ymin, xmax, ymax] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => numberOf(box[side]))
  if (xmin === undefined || ymin === undefined || xmax === undefined || ymax === undefined) {
    return undefined
  }
  const difficult = textOf(entry.difficult) === '1'
  const truncated = textOf(entry.truncated) === '1'
  return { name, xmin, ymin, xmax, ymax, difficult, truncated, pose: textOf(entry.pose), line }
}

function readSize(value: unknown): VocFile['size'] {
  if (!isElement(value)) {
    return undefined
  }
  const [width, height] = [numberOf(value.width), numberOf(value.height)]
  if (!isEdge(width) || !isEdge(height)) {
    return undefined
  }
  return { width, height }
}

const isEdge = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value > 0 && value <= MAX_EDGE

const isElement = isRecord as (value: unknown) => value is Element

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value.trim() : undefined)

function numberOf(value: unknown): number | undefined {
  const text = textOf(value)
  const number = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** Lines of offsets that are asked for in ascending order. */
class LineCounter {
  readonly #text: string
  #offset = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  at(offset: number): number {
    for (
      let i = this.#text.indexOf('\n', this.#offset);
      i >= 0 && i < offset;
      i = this.#text.indexOf('\n', i + 1)
    ) {
      this.#line++
      this.#offset = i + 1
    }
    return this.#line
  }
}
