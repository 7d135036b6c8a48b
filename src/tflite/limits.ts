import { BoxletError } from '../errors.ts'

/** ONNX is written as one protobuf message, which cannot pass 2 GB; weights may grow fourfold on the way. */
export const MAX_FILE_BYTES = 512 * 2 ** 20
/** The largest detectors have about 3,000 tensors; a hostile file could point every entry at one table. */
export const MAX_TENSORS = 50_000
export const MAX_OPERATORS = 50_000
/** Control flow gives a file several graphs; only the first is converted. */
export const MAX_SUBGRAPHS = 256
export const MAX_OPERATOR_CODES = 4_096
export const MAX_METADATA_ENTRIES = 1_024
/** LiteRT kernels take at most 6 axes, slices 8. */
export const MAX_RANK = 8
/** The stem of a large detector at 1,280 pixels has 26 million values; each takes 4 bytes while the model runs. */
export const MAX_TENSOR_ELEMENTS = 2 ** 26
/** Tensor names carry the path of their layer, up to a few hundred characters. */
export const MAX_STRING_BYTES = 64 * 1024
/** Values read into lists: shapes, operands and scales. Vectors may overlap, so the sum has a bound of its own. */
export const MAX_LISTED_VALUES = 2 ** 22
/** Bytes of all constants as written; many tensors may share one buffer of the file. */
export const MAX_CONSTANT_BYTES = 1024 * 2 ** 20

/** Sparse constants of one file, unfolded: the largest pruned network in use has 3 MB of them. */
export const MAX_DENSE_BYTES = 256 * 2 ** 20

/** Licences and descriptions are a page; names of 10,000 classes take 400 kB. */
export const MAX_PACKED_FILE_BYTES = 4 * 2 ** 20
export const MAX_PACKED_FILES = 64
/** Metadata values end up in the ONNX file and in messages. */
export const MAX_METADATA_CHARACTERS = 2 ** 20

/** FlexBuffers options of the known custom operators have a dozen keys, flat. */
export const MAX_FLEX_KEYS = 256

export const corrupt = (expected: string, received: string, cause?: unknown): BoxletError =>
  new BoxletError('MODEL_CORRUPT', `Expected ${expected} for the TFLite file but received ${received}.`, {
    hint: 'Fetch or export the file again.',
    cause,
  })

export const tooLarge = (what: string, limit: number, received: number | string): BoxletError =>
  new BoxletError(
    'MODEL_LIMIT',
    `Expected at most ${limit} ${what} for the TFLite file but received ${received}.`,
    { hint: 'This is far beyond any known detector; check that the file is what it should be.' },
  )

export const unsupported = (what: string, hint?: string): BoxletError =>
  new BoxletError(
    'MODEL_UNSUPPORTED',
    `Expected operators that can be converted for the TFLite file but received ${what}.`,
    { hint: hint ?? 'Export the model to ONNX from where it was trained, or without that operator.' },
  )
