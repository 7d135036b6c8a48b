import { BoxletError } from '../errors.ts'
import { oneLine } from '../system/printable.ts'
import { exportHint } from './ways.ts'

/** The largest detectors take 800 MB with their optimizer; what is written may not pass 2 GB as one protobuf message. */
export const MAX_FILE_BYTES = 2 ** 31 - 1
/** YOLO26x has 1,100 storages; optimizer and averaged weights make it about 5,000. */
export const MAX_ENTRIES = 20_000
/** The pickle of the largest network with an optimizer has 2 MB; weights lie beside it. */
export const MAX_PICKLE_BYTES = 32 * 2 ** 20
/** YOLO26x has 111,000; optimizer and averaged weights make it four times that. */
export const MAX_OPERATIONS = 2_000_000
/** Every container, text and tensor is remembered once: 60,000 values in the largest. */
export const MAX_MEMO = 300_000
/** Python's pickler empties its stack every 1,000 items; nesting adds a few for each level. */
export const MAX_STACK = 20_000
/** Characters and items that the calls of a pickle copy, all together: a text may be named by many calls. Real files copy some thousands. */
export const MAX_COPIED = 1_000_000
/** Class names; the longest of a real set, WordNet's synonyms, have about 130 characters. */
export const MAX_NAME_CHARACTERS = 1_024
/** The name of a part inside another, as it is in the code of the network. */
export const MAX_PART_CHARACTERS = 128
/** Hash seeds and random states of 32 bytes are the longest whole numbers met. */
export const MAX_INTEGER_BYTES = 32
/** A dotted path of a class. */
export const MAX_GLOBAL_CHARACTERS = 1_024
/** Axes of a tensor; attention masks have six. */
export const MAX_RANK = 8
/** Modules inside each other: a detector has about eight. */
export const MAX_MODULE_DEPTH = 64
/** Calls of modules in one run of the network; the largest have about 2,500. Modules may be shared, so this bounds a DAG. */
export const MAX_MODULE_CALLS = 10_000
/** Layers that one layer takes; heads of P6 networks take four, DenseNet-like stages a dozen. */
export const MAX_SOURCES = 256
/** Values of one activation: the first layer of a large network has 64 channels of 4,096 by 4,096 at 8,192 pixels. */
export const MAX_ACTIVATION_ELEMENTS = 2 ** 30
/** Rows of all prediction levels; four levels from stride 4 on at 2,048 pixels have 349,000. */
export const MAX_ANCHORS = 2_000_000
/** Edge of the picture that a network is converted for. */
export const MAX_IMAGE_EDGE = 8_192
/** Classes of a detector; Objects365 and LVIS have up to 1,203, a plant classifier 10,000. */
export const MAX_CLASSES = 65_536

export const corrupt = (expected: string, received: string, cause?: unknown): BoxletError =>
  new BoxletError('MODEL_CORRUPT', `Expected ${expected} for the checkpoint but received ${received}.`, {
    hint: 'The file is damaged or was cut off; fetch or copy it again.',
    cause,
  })

export const tooLarge = (what: string, limit: number, received: number | string): BoxletError =>
  new BoxletError(
    'MODEL_LIMIT',
    `Expected at most ${limit} ${what} for the checkpoint but received ${received}.`,
    { hint: 'This is far beyond any known detector; check that the file is what it should be.' },
  )

/** What the network holds and Boxlet does not know, with the maker's way out. */
export const unsupported = (expected: string, received: string, hint = exportHint('')): BoxletError =>
  new BoxletError('MODEL_UNSUPPORTED', `Expected ${expected} for the checkpoint but received ${received}.`, {
    hint,
  })

/** A stranger's text inside a message: cut, and without characters that would steer a terminal. */
export const quoted = (text: string): string => `"${shown(text)}"`

/** The same without quotes, for a line of its own. */
export const shown = (text: string): string =>
  oneLine(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

const MAX_SHOWN = 90
