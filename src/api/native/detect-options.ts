import type { DetectOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { received } from '../received.ts'
import { classList, decimal, flag, type OptionReader, text, whole, wrong } from './option-values.ts'

interface SliceParts {
  size?: number
  overlap?: number
}

const score = decimal(0, 1)
const sliceSize = whole(32, 16_384)
const sliceOverlap = decimal(0, 0.9)
const mostDetections = whole(1, 100_000)

const slice: OptionReader<boolean | SliceParts> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return flag(value, name)
  }
  const { size, overlap, ...rest } = value as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw wrong('only size and overlap', name, unknown)
  }
  return {
    ...(size === undefined ? {} : { size: sliceSize(size, `${name}.size`) }),
    ...(overlap === undefined ? {} : { overlap: sliceOverlap(overlap, `${name}.overlap`) }),
  }
}

/** The options of `boxlet detect`, in a query, in a form or in JSON. */
const READERS = {
  model: text(200),
  minScore: score,
  iou: score,
  maxDetections: mostDetections,
  classes: classList,
  slice,
  /** The command line's shorter name for maxDetections. */
  max: mostDetections,
  everyClass: flag,
  tolerant: flag,
  altText: flag,
  sliceSize,
  sliceOverlap,
}

export const OPTION_NAMES: readonly string[] = Object.keys(READERS)

type Values = { [Name in keyof typeof READERS]?: ReturnType<(typeof READERS)[Name]> }

export interface RequestOptions {
  model: string | undefined
  /** Adds one sentence for each picture to the JSON. */
  altText: boolean
  detect: DetectOptions
}

/**
 * Reads options and refuses unknown ones and any given twice: a threshold that is dropped in silence gives wrong
 * answers. Names may be written as on the command line (`min-score`) or as in JSON (`minScore`).
 *
 * @param given names and values from all places of the request together
 * @throws BoxletError REQUEST_INVALID
 */
export function parseOptions(given: Iterable<readonly [string, unknown]>): RequestOptions {
  const values: Values & Record<string, unknown> = {}
  for (const [key, value] of given) {
    const name = key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase())
    if (!Object.hasOwn(READERS, name)) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected a documented option but received ${received(key)}.`,
        {
          hint: `Options are ${OPTION_NAMES.join(', ')}.`,
        },
      )
    }
    if (Object.hasOwn(values, name)) {
      throw twice(name)
    }
    values[name] = READERS[name as keyof typeof READERS](value, name)
  }
  const { model, minScore, iou, max, classes, everyClass, tolerant, altText = false } = values
  if (max !== undefined && values.maxDetections !== undefined) {
    throw twice('maxDetections')
  }
  const { maxDetections = max } = values
  const sliced = sliceOf(values)
  return {
    model,
    altText,
    detect: {
      ...defined({ minScore, iou, maxDetections, classes, everyClass }),
      ...(tolerant === undefined ? {} : { image: { tolerant } }),
      ...defined({ slice: sliced }),
    },
  }
}

function sliceOf({ slice, sliceSize: size, sliceOverlap: overlap }: Values): DetectOptions['slice'] {
  const inner = typeof slice === 'object' ? slice : {}
  if (inner.size !== undefined && size !== undefined) {
    throw twice('sliceSize')
  }
  if (inner.overlap !== undefined && overlap !== undefined) {
    throw twice('sliceOverlap')
  }
  const parts = {
    ...inner,
    ...defined({ size, overlap }),
  }
  if (slice === false) {
    return false
  }
  if (Object.keys(parts).length > 0) {
    return parts
  }
  return slice === undefined ? undefined : true
}

const twice = (name: string) =>
  new BoxletError('REQUEST_INVALID', `Expected ${name} once but received it twice.`, {
    hint: 'minScore and min-score are one option, max and maxDetections another; the query and the body count together.',
  })
