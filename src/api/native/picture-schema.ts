/** Pictures in a JSON body: what reads them, and what the API document says of them. */
import * as v from 'valibot'
import { described, text } from '../../system/schema.ts'

const base64 = described(v.string(), 'Base64, with or without a data: prefix.')
const url = described(v.string(), 'https address in a public network.')
/** Names are for the answer; a longer one is cut. */
const name = v.pipe(
  v.string(),
  v.transform((given) => given.slice(0, 200)),
)

export const blobAddress = v.pipe(v.string(), v.regex(/^s3:\/\/[^/]{1,63}\/[\s\S]{1,1024}$/))
export const blobRef = v.strictObject({
  bucket: text(63),
  key: text(1024),
  version: v.exactOptional(text(1024)),
})
/** An object of the object store. */
export const blob = v.union([blobAddress, blobRef], '{"bucket", "key"} or "s3://bucket/key"')

const named = { name: v.exactOptional(name) }
export const picture = v.union(
  [
    base64,
    v.strictObject({ ...named, image: base64 }),
    v.strictObject({ ...named, url }),
    v.strictObject({ ...named, s3: blob }),
  ],
  'base64, or an object with one of image (base64), url and s3,',
)

export type Picture = v.InferOutput<typeof picture>

/** One picture, or several. Options stand beside them. */
export const pictures = v.object({
  image: v.exactOptional(base64),
  url: v.exactOptional(url),
  s3: v.exactOptional(blob),
  images: v.exactOptional(v.pipe(v.array(picture), v.description('Several pictures.'))),
})
