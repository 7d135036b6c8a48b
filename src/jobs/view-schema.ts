/** Jobs as callers see them. The types of `view.ts` are made from these schemas, and so is the API document. */
import * as v from 'valibot'
import { fault, found, modelName } from '../formats/native-schema.ts'
import { contractSchema } from '../model/contract-schema.ts'
import { count, described, moment, opaque, positiveCount } from '../system/schema.ts'
import { EVENT_KINDS } from './event-bus.ts'
import { ANNOTATED_FORMATS, DECISIONS, JOB_STATES, type JobOptions } from './job.ts'
import type { Verdict } from './rules.ts'

const state = v.picklist(JOB_STATES)
const harder = v.picklist(['deny', 'review'])

export const job = v.object({
  id: v.string(),
  state,
  batch: v.exactOptional(v.string()),
  model: v.exactOptional(v.string()),
  detect: v.exactOptional(opaque<NonNullable<JobOptions['detect']>>('object', 'Options of detection.')),
  annotate: v.exactOptional(v.picklist(ANNOTATED_FORMATS)),
  webhook: v.exactOptional(v.object({ url: v.string() })),
  counts: v.object({ total: count, succeeded: count, failed: count, cancelled: count }),
  complete: described(v.boolean(), 'False while the manifest is still being read.'),
  createdAt: moment,
  startedAt: v.exactOptional(moment),
  finishedAt: v.exactOptional(moment),
  expiresAt: moment,
})

/** One job alone, with what was found in it. */
export const jobWithSummary = v.object({
  ...job.entries,
  summary: v.object({ labels: v.array(v.object({ label: v.string(), pictures: count, objects: count })) }),
})

const verdict = v.object({
  verdict: harder,
  matches: v.array(
    v.object({
      rule: harder,
      label: v.string(),
      name: v.exactOptional(v.string()),
      category: v.exactOptional(v.string()),
      score: v.number(),
      count: positiveCount,
    }),
  ),
}) satisfies v.GenericSchema<Verdict>

const decision = v.picklist(DECISIONS)

/** What a person says of a picture. */
export const review = v.strictObject({
  decision: described(v.nullable(decision), 'null takes back what was said.'),
})

export const picture = v.object({
  n: described(count, 'Number within the job.'),
  name: v.string(),
  line: v.exactOptional(described(positiveCount, 'Line of the manifest.')),
  source: v.exactOptional(described(v.string(), 'Its address; absent where the bytes were sent.')),
  state,
  attempts: described(count, 'How often work on it has begun.'),
  finishedAt: v.exactOptional(moment),
  error: v.exactOptional(fault),
  result: v.exactOptional(found),
  verdict: v.exactOptional(described(verdict, 'What the policy of the service says of it.')),
  uncertain: v.exactOptional(described(v.boolean(), 'Some score lies where a person should look.')),
  review: v.exactOptional(described(v.object({ decision, at: moment }), 'What a person said of it.')),
  model: v.exactOptional(described(v.string(), 'Names a model of `models`.')),
  annotated: v.exactOptional(described(v.boolean(), 'An annotated copy was kept.')),
})

export const foundPicture = v.object({ job: v.string(), ...picture.entries })

export const jobModel = v.object({ ...modelName.entries, contract: contractSchema })

/** Models by the name that pictures give: the file's hash with a hash of the contract. */
export const models = v.record(v.string(), jobModel)

const cursor = v.exactOptional(described(v.string(), 'Give it back for the next page; absent at the end.'))
export const jobPage = v.object({ jobs: v.array(job), cursor })
export const pictureWithModels = v.object({ ...picture.entries, models })
export const picturePage = v.object({ pictures: v.array(picture), models, cursor })
export const foundPage = v.object({ pictures: v.array(foundPicture), models, cursor })
export const redriven = v.object({
  pictures: described(count, 'Pictures that are tried again.'),
  webhooks: described(count, 'Webhooks that are delivered again.'),
})

export const uploadForm = v.object({
  url: v.string(),
  fields: described(v.record(v.string(), v.string()), 'Fields of a multipart form, before its file.'),
  mostBytes: positiveCount,
  expiresAt: moment,
  picture: described(v.string(), 'Where the picture lies then; its job bears this name.'),
})

export const webhookEvent = v.object({
  type: described(v.string(), `job.succeeded, job.failed, job.cancelled or ${EVENT_KINDS[1]}.`),
  timestamp: moment,
  data: opaque<object>('object', 'The job, or the picture and what the policy says of it.'),
})
