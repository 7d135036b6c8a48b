/**
 * Every option of detection: its name, type, range, default and one sentence, once. The checks of the library, the
 * types of `DetectOptions`, the readers and the document of the HTTP API, and the flags and help of the command line
 * are made from these tables. An option is added here, where it is used, and in docs/detection.md.
 */

import { DEFAULT_MAX_BYTES } from '../image/decode/accepted-format.ts'
import { DEFAULT_MAX_PIXELS } from '../image/decode/decode.ts'
import { MAX_DETECTIONS } from '../model/contract.ts'

/** One option, as data. */
export interface OptionRow {
  /** `list` takes labels and class ids, on the command line and in a query separated by commas. */
  readonly type: 'number' | 'boolean' | 'list'
  /** Inclusive range of a number. */
  readonly min?: number
  readonly max?: number
  /** A number without a fraction. */
  readonly integer?: true
  /** One sentence for help and the API document. */
  readonly says: string
  /** What holds where the option is not given: a value, or a phrase where the model decides. */
  readonly default?: string | number
  /** Shorter name, the flag of the command line; the HTTP API takes both. */
  readonly alias?: string
  /** What other tools call it: taken on the command line, answered with this name elsewhere. Words with dashes. */
  readonly alsoKnownAs?: readonly string[]
  /** Interfaces that do not offer the option: the operator of a service bounds memory, not its callers. */
  readonly notIn?: readonly ('http' | 'cli')[]
}

type Table = Readonly<Record<string, OptionRow>>

/** Options of one call, by their names in the library. */
export const DETECT_OPTIONS = {
  /** Score threshold, 0–1. Default: the contract's, per class where it has one. */
  minScore: {
    type: 'number',
    min: 0,
    max: 1,
    says: 'Score threshold: detections below it are left out.',
    default: "the model's threshold, often 0.25",
    alsoKnownAs: [
      'conf',
      'confidence',
      'threshold',
      'score',
      'conf-thres',
      'score-threshold',
      'min-confidence',
    ],
  },
  /** Overlap (IoU), 0–1, above which the weaker of two boxes of a class goes. Default: the contract's. */
  iou: {
    type: 'number',
    min: 0,
    max: 1,
    says: 'IoU threshold: of two boxes of a class that overlap more, the weaker is dropped.',
    default: "the model's, often 0.7",
    alsoKnownAs: ['nms', 'iou-thres', 'iou-threshold', 'nms-threshold'],
  },
  /** Most detections kept, the best ones. Default: the contract's. */
  maxDetections: {
    type: 'number',
    min: 1,
    max: MAX_DETECTIONS,
    integer: true,
    says: 'Maximum number of detections in a picture.',
    default: "the model's, often 300",
    alias: 'max',
    alsoKnownAs: ['max-det', 'max-detections', 'topk'],
  },
  /** Labels or class ids to keep. Default: all. */
  classes: {
    type: 'list',
    says: 'Only these labels or class ids.',
    default: 'all',
    alsoKnownAs: ['class', 'filter'],
  },
  /** Several classes for one prediction, as reference evaluations do. For measuring, not for people. */
  everyClass: {
    type: 'boolean',
    says: 'Allow several classes for one prediction, as reference evaluations do.',
    alsoKnownAs: ['multi-label'],
  },
} as const satisfies Table

/** Options of `slice`; their flat names begin with it: `sliceSize`, `--slice-size`. */
export const SLICE_OPTIONS = {
  /** Edge of a tile in pixels of the picture. Default: the larger edge of the model input. */
  size: {
    type: 'number',
    min: 32,
    max: 65_536,
    integer: true,
    says: 'Edge of a tile in pixels of the picture.',
    default: 'the larger edge of the model input',
  },
  /** Share of a tile that it has in common with its neighbour, 0–0.9. Default 0.2. */
  overlap: {
    type: 'number',
    min: 0,
    max: 0.9,
    says: 'Share of a tile that it has in common with its neighbour.',
    default: 0.2,
  },
} as const satisfies Table

/** Options of `image`: limits and manner of decoding. */
export const IMAGE_OPTIONS = {
  /** Most pixels that a picture may declare. Default 134,217,728. */
  maxPixels: {
    type: 'number',
    min: 1,
    integer: true,
    says: 'Refuse pictures that declare more pixels.',
    default: DEFAULT_MAX_PIXELS,
    notIn: ['http'],
  },
  /** Most encoded bytes of a picture. Default 268,435,456. */
  maxBytes: {
    type: 'number',
    min: 1,
    integer: true,
    says: 'Refuse pictures of more encoded bytes.',
    default: DEFAULT_MAX_BYTES,
    notIn: ['http', 'cli'],
  },
  /** Takes what can be read of a damaged picture instead of refusing it. */
  tolerant: { type: 'boolean', says: 'Decode what can be read of a damaged picture instead of refusing it.' },
  /** Fetches `https` addresses of the public internet that are given as pictures. Default: refused. */
  fetch: {
    type: 'boolean',
    says: 'Fetch https addresses of the public internet.',
    notIn: ['http', 'cli'],
  },
} as const satisfies Table

/** What is said beside the detections; not for the detector itself. */
const ANSWER_OPTIONS = {
  altText: { type: 'boolean', says: 'Add one sentence that describes each picture.' },
} as const satisfies Table

const SLICE = {
  slice: {
    type: 'boolean',
    says: 'Look at overlapping tiles too, for small objects in large pictures.',
    alsoKnownAs: ['sahi', 'tile', 'tiles'],
  },
} as const satisfies Table

const flatName = (prefix: string, name: string): string =>
  prefix === '' ? name : `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`

type Prefixed<T, P extends string> = { [K in keyof T & string as `${P}${Capitalize<K>}`]: T[K] }

const prefixed = <T extends Table, P extends string>(prefix: P, table: T): Prefixed<T, P> =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [flatName(prefix, name), row])) as Prefixed<
    T,
    P
  >

/** All options under one name each, as flags, queries and forms have them: nothing is nested. */
export const FLAT_OPTIONS = {
  ...DETECT_OPTIONS,
  ...SLICE,
  ...prefixed('slice', SLICE_OPTIONS),
  ...IMAGE_OPTIONS,
  ...ANSWER_OPTIONS,
}

type ValueOf<R extends OptionRow> = R['type'] extends 'number'
  ? number
  : R['type'] extends 'boolean'
    ? boolean
    : readonly (string | number)[]

/** Values of a table of options, each of which may be absent. */
export type OptionValues<T extends Table> = { [K in keyof T]?: ValueOf<T[K]> }

export type FlatValues = OptionValues<typeof FLAT_OPTIONS>

/** Edge and overlap of the tiles. */
export interface SliceOptions extends OptionValues<typeof SLICE_OPTIONS> {}

/** Limits and manner of decoding. */
export interface ImageLimits extends OptionValues<typeof IMAGE_OPTIONS> {}

export interface DetectOptions extends OptionValues<typeof DETECT_OPTIONS> {
  /** Cuts large pictures into overlapping tiles and merges what is found. */
  slice?: boolean | SliceOptions
  /** Limits of decoding. */
  image?: ImageLimits
  /** The caller does not use the bytes again, so that a pool of workers may move them instead of copying. */
  consume?: boolean
  signal?: AbortSignal
}

/** From flat names to the options of a call. `slice: false` takes precedence over a size or an overlap of tiles. */
export function nested(flat: FlatValues): DetectOptions {
  const pick = (table: Table, prefix = ''): Record<string, unknown> =>
    Object.fromEntries(
      Object.keys(table)
        .map((name) => [name, flat[flatName(prefix, name) as keyof FlatValues]])
        .filter(([, value]) => value !== undefined),
    )
  const size = pick(SLICE_OPTIONS, 'slice')
  const image = pick(IMAGE_OPTIONS)
  const isSized = Object.keys(size).length > 0
  const slice = flat.slice !== false && isSized ? size : flat.slice
  return {
    ...pick(DETECT_OPTIONS),
    ...(slice !== undefined && { slice }),
    ...(Object.keys(image).length > 0 && { image }),
  }
}

/** The option that a word names, here or in other tools: `max_det` is `maxDetections`. */
export function optionMeant(word: string, table: Table): string | undefined {
  const name = word
    .replaceAll('_', '-')
    .replace(/[A-Z]/g, (letter) => `-${letter}`)
    .toLowerCase()
  return Object.entries<OptionRow>(table).find(([, { alsoKnownAs }]) => alsoKnownAs?.includes(name))?.[0]
}

/** What an option takes, for messages: `a whole number from 1 to 100000`. */
export function expectedOf({ type, min, max, integer }: OptionRow): string {
  if (type !== 'number') {
    return type === 'boolean' ? 'true or false' : 'a list of labels or class ids'
  }
  const kind = integer ? 'a whole number' : 'a number'
  const from = min === undefined ? kind : `${kind} from ${min}`
  return max === undefined ? from : `${from} to ${max}`
}

/** Whether a value is one that the option takes. A count without an upper end may be infinite: no limit. */
export function takes({ type, min, max, integer }: OptionRow, value: unknown): boolean {
  if (type === 'boolean') {
    return typeof value === 'boolean'
  }
  if (type === 'list') {
    return Array.isArray(value) && value.every(isClass)
  }
  const isKind =
    typeof value === 'number' && (!integer || Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
  return isKind && value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY)
}

const isClass = (entry: unknown): boolean =>
  (typeof entry === 'string' && entry !== '') || (Number.isInteger(entry) && (entry as number) >= 0)
