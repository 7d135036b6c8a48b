/** The one form of stored keys, in a file, an SSM parameter or a secret: `{ version: 1, keys }`. */

import * as v from 'valibot'
import { BoxletError } from '../../errors.ts'

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(128))
const name = v.pipe(v.string(), v.maxLength(100))
const created = v.string()

const schema = v.object({
  version: v.literal(1),
  keys: v.array(
    v.variant('kind', [
      /** SHA-256 of the whole key, as `BearerKey.hash`. */
      v.object({
        kind: v.literal('bearer'),
        id,
        name,
        hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
        created,
      }),
      v.object({ kind: v.literal('access'), id, name, secret: v.pipe(v.string(), v.minLength(16)), created }),
    ]),
  ),
})

export type StoredKey = v.InferOutput<typeof schema>['keys'][number]

/**
 * A document with one key of another form is refused as a whole: a key that is left out in silence would lock its
 * owner out without a word.
 *
 * @param where what holds the document, for the message
 * @throws BoxletError CONFIG_INVALID
 */
export function parseKeys(text: string | undefined, where: string): StoredKey[] {
  try {
    return v.parse(schema, JSON.parse(text ?? '')).keys
  } catch (cause) {
    throw new BoxletError(
      'CONFIG_INVALID',
      `Expected Boxlet keys of version 1 in ${where} but received something else.`,
      { cause, hint: 'Store what "boxlet keys" writes, or make new keys there.' },
    )
  }
}

export const formatKeys = (keys: readonly StoredKey[], indent?: number): string =>
  JSON.stringify({ version: 1, keys }, undefined, indent)
