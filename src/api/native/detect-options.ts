import { z } from 'zod'
import type { DetectOptions } from '../../detector-types.ts'
import { BoxletError } from '../../errors.ts'

const score = z.coerce.number().min(0).max(1)
const flag = z.union([z.boolean(), z.enum(['true', 'false', '']).transform((text) => text !== 'false')])

/** A query gives one string, JSON gives a list; both mean the same. */
const classes = z.union([
  z.string().transform((text) => text.split(',').map((part) => part.trim())),
  z.array(z.union([z.string(), z.int().min(0)])),
])

const sliceSize = z.coerce.number().int().min(32).max(16_384)
const overlap = z.coerce.number().min(0).max(0.9)

/** The options of `boxlet detect`, in a query, in a form or in JSON. */
export const detectOptionsSchema = z.object({
  model: z.string().min(1).max(200).optional(),
  minScore: score.optional(),
  iou: score.optional(),
  maxDetections: z.coerce.number().int().min(1).max(100_000).optional(),
  classes: classes.optional(),
  slice: z
    .union([flag, z.strictObject({ size: sliceSize.optional(), overlap: overlap.optional() })])
    .optional(),
  /** The command line's shorter name for maxDetections. */
  max: z.coerce.number().int().min(1).max(100_000).optional(),
  everyClass: flag.optional(),
  tolerant: flag.optional(),
  altText: flag.optional(),
  sliceSize: sliceSize.optional(),
  sliceOverlap: overlap.optional(),
})

export interface RequestOptions {
  model: string | undefined
  /** Adds one sentence for each picture to the JSON. */
  altText: boolean
  detect: DetectOptions
}

/** Read at the first use: where schemas are built on demand, a request without options builds none. */
const known = (): Set<string> => new Set(Object.keys(detectOptionsSchema.shape))

/**
 * Reads options and refuses unknown ones: a misspelt threshold that is silently dropped gives wrong answers.
 * Names may be written as on the command line (`min-score`) or as in JSON (`minScore`).
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function parseOptions(given: Record<string, unknown>): RequestOptions {
  if (Object.keys(given).length === 0) return { model: undefined, altText: false, detect: {} }
  const names = known()
  const named: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given)) {
    const name = key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase())
    if (!names.has(name))
      throw new BoxletError('REQUEST_INVALID', 'Expected a documented option but received an unknown one.', {
        hint: `Options are ${[...names].join(', ')}.`,
      })
    named[name] = value
  }
  const parsed = detectOptionsSchema.safeParse(named)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new BoxletError(
      'REQUEST_INVALID',
      `Expected a valid value for ${issue?.path.join('.') || 'the options'} but received another: ${issue?.message}.`,
    )
  }
  const { model, minScore, iou, max, classes, slice, sliceSize, sliceOverlap } = parsed.data
  const { maxDetections = max, everyClass, tolerant, altText = false } = parsed.data
  const sliced = sliceOf(slice, sliceSize, sliceOverlap)
  return {
    model,
    altText,
    detect: {
      ...(minScore === undefined ? {} : { minScore }),
      ...(iou === undefined ? {} : { iou }),
      ...(maxDetections === undefined ? {} : { maxDetections }),
      ...(classes === undefined ? {} : { classes }),
      ...(everyClass === undefined ? {} : { everyClass }),
      ...(tolerant === undefined ? {} : { image: { tolerant } }),
      ...(sliced === undefined ? {} : { slice: sliced }),
    },
  }
}

function sliceOf(
  slice: boolean | { size?: number | undefined; overlap?: number | undefined } | undefined,
  size: number | undefined,
  overlap: number | undefined,
): DetectOptions['slice'] {
  const inner = typeof slice === 'object' ? slice : {}
  const parts = {
    ...(inner.size === undefined ? {} : { size: inner.size }),
    ...(inner.overlap === undefined ? {} : { overlap: inner.overlap }),
    ...(size === undefined ? {} : { size }),
    ...(overlap === undefined ? {} : { overlap }),
  }
  if (slice === false) return false
  if (Object.keys(parts).length > 0) return parts
  return slice === undefined ? undefined : true
}
