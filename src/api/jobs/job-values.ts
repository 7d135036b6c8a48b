/** Parameters of jobs: what reads them out of a query, a form or JSON, and what the API document says of them. */
import * as v from 'valibot'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { isJobId } from '../../jobs/id.ts'
import { ANNOTATED_FORMATS, type AnnotatedFormat, DECISIONS, JOB_STATES } from '../../jobs/job.ts'
import { described, text, wholeNumber } from '../../system/schema.ts'
import { blobAddress, blobRef } from '../native/picture-schema.ts'

const SECONDS_MS = 1000

const cursor = (is: (text: string) => boolean) => {
  const expected = 'a cursor of an earlier page'
  return v.pipe(v.string(expected), v.check(is, expected), v.description('Of the page before.'))
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/
/** A date is its beginning in UTC. Milliseconds since 1970. */
const moment = (description: string) => {
  const expected = 'a date such as 2026-11-01 or 2026-11-01T08:00:00Z'
  return v.pipe(
    v.string(expected),
    v.description(description),
    v.regex(MOMENT, expected),
    v.transform(Date.parse),
    v.number(expected),
  )
}

const state = v.pipe(
  v.string(),
  v.description(`Some of ${JOB_STATES.join(', ')}, separated by commas.`),
  v.transform((list) => list.split(',').map((name) => name.trim())),
  v.array(v.picklist(JOB_STATES, `some of ${JOB_STATES.join(', ')}`)),
)

const limit = v.pipe(
  wholeNumber(1, JOB_DEFAULTS.mostPageSize),
  v.description('Most entries of a page.'),
  v.metadata({ default: JOB_DEFAULTS.pageSize }),
)

const period = {
  since: moment('A date or moment, as ISO 8601 has them.'),
  until: moment('The same; left out itself.'),
}

export const LIST_QUERY = {
  state,
  batch: described(v.string(), 'Of one batch.'),
  ...period,
  limit,
  cursor: cursor(isJobId),
}

export const SHOW_QUERY = {
  wait: v.pipe(
    v.number('seconds'),
    v.minValue(0, 'seconds from 0'),
    v.description('Seconds to wait for a change of state or counts.'),
    v.transform((seconds) => seconds * SECONDS_MS),
  ),
}

export const UPLOAD_QUERY = {
  name: v.pipe(
    v.string(),
    v.regex(/^[\w.() -]{1,200}$/, 'letters, digits, ".", "-" and blanks'),
    v.description('Name of the file.'),
  ),
}

export const PICTURES_QUERY = { state, limit, cursor: cursor((text) => /^\d{1,9}$/.test(text)) }

/** Pixels along the longest edge of a small copy: one of a grid, or one that fills a screen. */
export const THUMBNAIL_EDGE = 320
const MOST_THUMBNAIL_EDGE = 1600

export const IMAGE_QUERY = {
  edge: v.pipe(
    wholeNumber(32, MOST_THUMBNAIL_EDGE),
    v.description('Pixels along the longest edge.'),
    v.metadata({ default: THUMBNAIL_EDGE }),
  ),
}

const labels = (description: string) => v.pipe(v.array(text(200)), v.description(description))

export const SEARCH_QUERY = {
  label: labels('May be repeated: all of them must be there.'),
  minScore: v.pipe(
    v.number('a number from 0 to 1'),
    v.minValue(0, 'a number from 0 to 1'),
    v.maxValue(1, 'a number from 0 to 1'),
    v.description('Lowest score of each object that counts.'),
  ),
  count: described(v.string(), 'Objects of each label: 2, >=2, <3.'),
  without: labels('May be repeated: none of them may be there.'),
  model: described(v.string(), 'SHA-256 of the model file, or its beginning.'),
  verdict: described(v.picklist(['deny', 'review'], 'deny or review'), 'What the policy says.'),
  uncertain: described(v.boolean('true or false'), 'Only those with a score in doubt.'),
  review: described(
    v.picklist(['open', ...DECISIONS], `open, ${DECISIONS.join(' or ')}`),
    'What a person said of it; open where nobody has yet.',
  ),
  ...period,
  limit,
  cursor: cursor((text) => /^\d{1,15}\.\d{1,15}$/.test(text)),
}

const LISTED = ['jsonl', 'csv'] as const
const format = v.picklist(LISTED, 'jsonl or csv')

/** What a job has beside the options of detection; in a query, a form or JSON. */
export const SUBMISSION = {
  batch: described(text(200), 'A word that several jobs share.'),
  ttl: v.pipe(
    wholeNumber(1, JOB_DEFAULTS.mostTtlMs / SECONDS_MS),
    v.description('Seconds for which the job and its results are kept.'),
    v.transform((seconds) => seconds * SECONDS_MS),
  ),
  annotate: v.pipe(
    v.union(
      [v.picklist([...ANNOTATED_FORMATS, 'true', 'false']), v.boolean()],
      `one of ${ANNOTATED_FORMATS.join(', ')}`,
    ),
    v.description('Keep an annotated copy; true for JPEG.'),
    v.transform((value): AnnotatedFormat | undefined =>
      value === true || value === 'true' ? 'jpeg' : value === false || value === 'false' ? undefined : value,
    ),
  ),
  webhook: v.pipe(
    v.union(
      [
        v.string(),
        v.strictObject({ url: v.string(), secret: v.exactOptional(v.pipe(v.string(), v.minLength(16))) }),
      ],
      'an address, or {"url", "secret"} with a secret of at least 16 characters',
    ),
    v.description('Address that hears of the end, or that and the key of its signature.'),
    v.transform((given) => (typeof given === 'string' ? { url: given } : given)),
  ),
  manifest: v.pipe(
    v.union(
      [
        blobAddress,
        v.strictObject({ ...blobRef.entries, format: v.exactOptional(format) }),
        v.strictObject({ address: blobAddress, format: v.exactOptional(format) }),
      ],
      'the address of a list, s3://bucket/key, or that with a format',
    ),
    v.description('A list of pictures in the object store: JSON lines or CSV.'),
  ),
  prefix: v.pipe(
    v.string('s3://bucket/prefix'),
    v.regex(/^s3:\/\/[^/]{1,63}(\/[\s\S]{0,1024})?$/, 's3://bucket/prefix'),
    v.description('All pictures below s3://bucket/prefix.'),
  ),
}

export const idempotencyKey = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible ASCII characters'),
  v.description('The same key with the same parameters gives the same job.'),
)
