import { BoxletError } from '../errors.ts'
import type { DetectOptions, ImageInput, ImageLimits, LoadOptions, SliceOptions } from './types.ts'

/**
 * Checks of what callers without types pass. A misspelt option that is ignored in silence gives wrong results
 * that nobody looks for.
 */

const DETECT_OPTIONS: Record<keyof DetectOptions, true> = {
  minScore: true,
  iou: true,
  maxDetections: true,
  classes: true,
  slice: true,
  everyClass: true,
  consume: true,
  image: true,
  signal: true,
}

const SLICE_OPTIONS: Record<keyof SliceOptions, true> = { size: true, overlap: true }
const IMAGE_LIMITS: Record<keyof ImageLimits, true> = { maxPixels: true, maxBytes: true, tolerant: true }

const LOAD_OPTIONS: Record<keyof LoadOptions, true> = {
  contract: true,
  labels: true,
  threads: true,
  asIs: true,
  signal: true,
  onProgress: true,
  onNotice: true,
}

/** @throws BoxletError USAGE */
export function checkDetectOptions(options: DetectOptions): void {
  checkKeys('detect', options, DETECT_OPTIONS)
  if (typeof options.slice === 'object') {
    checkKeys('slice', options.slice, SLICE_OPTIONS)
  }
  if (options.image !== undefined) {
    checkKeys('image', options.image, IMAGE_LIMITS)
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new BoxletError(
      'USAGE',
      `Expected an AbortSignal for signal but received ${kindOf(options.signal)}.`,
    )
  }
  if (options.classes !== undefined && !Array.isArray(options.classes)) {
    throw new BoxletError('USAGE', `Expected a list for classes but received ${kindOf(options.classes)}.`)
  }
}

/** @throws BoxletError USAGE */
export function checkLoadArguments(model: string, options: LoadOptions): void {
  if (typeof model !== 'string' || model === '') {
    throw new BoxletError('USAGE', `Expected a name or path for the model but received ${kindOf(model)}.`)
  }
  checkKeys('load', options, LOAD_OPTIONS)
  const { threads, labels } = options
  if (labels !== undefined && typeof labels !== 'string' && !Array.isArray(labels)) {
    throw new BoxletError('USAGE', `Expected a path or a list for labels but received ${kindOf(labels)}.`)
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new BoxletError(
      'USAGE',
      `Expected a whole number from 1 for threads but received ${String(threads)}.`,
    )
  }
}

/** @throws BoxletError USAGE for what is no picture at all, IMAGE_FORMAT for pixels that do not fill their size */
export function checkImage(image: ImageInput): void {
  if (image instanceof Uint8Array) {
    return
  }
  if (typeof image !== 'object' || image === null || !(image.data instanceof Uint8Array)) {
    throw new BoxletError(
      'USAGE',
      `Expected encoded bytes or { width, height, data } for the picture but received ${kindOf(image)}.`,
      { hint: 'Read a file first: await readFile(path).' },
    )
  }
  const { width, height, data } = image
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0
  if (isSize && data.length === width * height * 3) {
    return
  }
  throw new BoxletError(
    'IMAGE_FORMAT',
    `Expected ${width} × ${height} × 3 bytes for the pixels but received ${data.length}.`,
  )
}

function checkKeys(call: string, options: object, known: Record<string, true>): void {
  if (typeof options !== 'object' || options === null) {
    throw new BoxletError(
      'USAGE',
      `Expected an object for the options of ${call} but received ${kindOf(options)}.`,
    )
  }
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(known, key))
  if (unknown === undefined) {
    return
  }
  throw new BoxletError('USAGE', `Expected a known option for ${call} but received "${unknown}".`, {
    hint: `Its options are ${Object.keys(known).join(', ')}.`,
  })
}

function kindOf(value: unknown): string {
  if (value === null) {
    return 'null'
  }
  if (Array.isArray(value)) {
    return 'a list'
  }
  if (typeof value === 'object') {
    return 'an object of another form'
  }
  return value === '' ? 'an empty text' : value === undefined ? 'nothing' : `a ${typeof value}`
}
