import { BoxletError } from '../errors.ts'
import {
  DETECT_OPTIONS,
  type DetectOptions,
  expectedOf,
  IMAGE_OPTIONS,
  type OptionRow,
  optionMeant,
  SLICE_OPTIONS,
  takes,
} from './options.ts'
import type { ImageInput, LoadOptions } from './types.ts'

/**
 * Checks of what callers without types pass. A misspelt option that is ignored in silence gives wrong results
 * that nobody looks for.
 */

/** Beside those of the table: what is no plain value, and the two that hold others. */
const OTHER_OPTIONS = ['slice', 'image', 'consume', 'signal'] as const

const LOAD_OPTIONS = Object.keys({
  contract: true,
  labels: true,
  threads: true,
  asIs: true,
  signal: true,
  onProgress: true,
  onNotice: true,
} satisfies Record<keyof LoadOptions, true>)

/** @throws BoxletError USAGE for an option that is unknown, of another type or out of range */
export function checkDetectOptions(options: DetectOptions): void {
  checkValues('detect', '', options, DETECT_OPTIONS, OTHER_OPTIONS)
  const { slice, image, signal } = options
  if (slice !== undefined && typeof slice !== 'boolean') {
    checkValues('slice', 'slice.', slice, SLICE_OPTIONS)
  }
  if (image !== undefined) {
    checkValues('image', 'image.', image, IMAGE_OPTIONS)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new BoxletError('USAGE', `Expected an AbortSignal for signal but received ${kindOf(signal)}.`)
  }
}

function checkValues(
  call: string,
  path: string,
  values: object,
  table: Readonly<Record<string, OptionRow>>,
  others: readonly string[] = [],
): void {
  checkKeys(call, values, [...Object.keys(table), ...others])
  for (const [name, value] of Object.entries(values)) {
    const row = Object.hasOwn(table, name) ? table[name] : undefined
    if (row !== undefined && value !== undefined && !takes(row, value)) {
      throw new BoxletError(
        'USAGE',
        `Expected ${expectedOf(row)} for ${path}${name} but received ${shown(value)}.`,
      )
    }
  }
}

const shown = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)

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
    throw new BoxletError('USAGE', `Expected a picture but received ${kindOf(image)}.`, {
      hint: 'Give bytes, { width, height, data } with RGB, an ArrayBuffer, Blob, Response, stream, path or URL.',
    })
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

function checkKeys(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new BoxletError(
      'USAGE',
      `Expected an object for the options of ${call} but received ${kindOf(options)}.`,
    )
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) {
    return
  }
  const meant = optionMeant(unknown, DETECT_OPTIONS)
  throw new BoxletError('USAGE', `Expected a known option for ${call} but received "${unknown}".`, {
    hint: `${meant === undefined || !known.includes(meant) ? '' : `Here it is ${meant}. `}Its options are ${known.join(', ')}.`,
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
