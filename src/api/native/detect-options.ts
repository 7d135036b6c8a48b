import {
  type DetectOptions,
  FLAT_OPTIONS,
  type FlatValues,
  nested,
  type OptionRow,
  optionMeant,
  SLICE_OPTIONS,
} from '../../detector/options.ts'
import { BoxletError } from '../../errors.ts'
import { described, text } from '../../system/schema.ts'
import { received } from '../received.ts'
import { readOption, readValue, wrong } from '../values.ts'

export const modelParameter = described(text(200), 'One of /v1/models. Default: the first.')

/** Options that a request may carry. */
export const REQUEST_OPTIONS: Readonly<Record<string, OptionRow>> = Object.fromEntries(
  Object.entries<OptionRow>(FLAT_OPTIONS).filter(([, { notIn }]) => !notIn?.includes('http')),
)

const ALIASES = new Map(
  Object.entries(REQUEST_OPTIONS).flatMap(([name, { alias }]) =>
    alias === undefined ? [] : [[alias, name]],
  ),
)

export const OPTION_NAMES: readonly string[] = ['model', ...Object.keys(REQUEST_OPTIONS)]

export interface RequestOptions {
  model: string | undefined
  /** Adds one sentence for each picture to the JSON. */
  altText: boolean
  detect: DetectOptions
}

/**
 * Reads options and refuses unknown ones and any given twice: a threshold that is dropped in silence gives wrong
 * answers. Names may be written as on the command line (`min-score`, `max`) or as in JSON (`minScore`,
 * `maxDetections`).
 *
 * @param given names and values from all places of the request together
 * @throws BoxletError REQUEST_INVALID
 */
export function parseOptions(given: Iterable<readonly [string, unknown]>): RequestOptions {
  const values: Record<string, unknown> = {}
  for (const { key, value, label } of [...given].flatMap(sliceParts)) {
    const written = key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase())
    const name = ALIASES.get(written) ?? written
    if (!OPTION_NAMES.includes(name)) {
      throw unknownOption(key)
    }
    if (Object.hasOwn(values, name)) {
      throw twice(name)
    }
    values[name] =
      name === 'model'
        ? readValue(modelParameter, value, name)
        : readOption(REQUEST_OPTIONS[name]!, value, label ?? written)
  }
  const { model, altText = false, ...flat } = values as FlatValues & { model?: string }
  return { model, altText, detect: nested(flat) }
}

interface Given {
  key: string
  value: unknown
  /** What to call it in a message, where that is not the name of the option. */
  label?: string
}

/** JSON may nest what belongs to tiles: `"slice": { "size": 640 }`. */
function sliceParts([key, value]: readonly [string, unknown]): Given[] {
  if (key !== 'slice' || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ key, value }]
  }
  const parts = Object.entries(value)
  const [unknown] = parts.find(([name]) => !Object.hasOwn(SLICE_OPTIONS, name)) ?? []
  if (unknown !== undefined) {
    throw wrong(`only ${Object.keys(SLICE_OPTIONS).join(' and ')}`, key, unknown)
  }
  return [
    { key, value: true },
    ...parts.map(([name, part]) => ({ key: `slice-${name}`, value: part, label: `slice.${name}` })),
  ]
}

const unknownOption = (key: string) =>
  new BoxletError('REQUEST_INVALID', `Expected a documented option but received ${received(key)}.`, {
    hint: `${meantBy(key)}Options are ${[...OPTION_NAMES, ...ALIASES.keys()].join(', ')}.`,
  })

/** Words of other services for the picture, whose fields stand beside the options in JSON and forms. */
const PICTURE_WORDS = ['img', 'picture', 'photo', 'file', 'data', 'b64', 'base64']

function meantBy(key: string): string {
  if (PICTURE_WORDS.includes(key.toLowerCase())) {
    return 'The picture goes in "image", "url" or "s3". '
  }
  const name = optionMeant(key, REQUEST_OPTIONS)
  return name === undefined ? '' : `Here it is ${name}. `
}

const twice = (name: string) =>
  new BoxletError('REQUEST_INVALID', `Expected ${name} once but received it twice.`, {
    hint: 'minScore and min-score are one option, max and maxDetections another; the query and the body count together.',
  })
