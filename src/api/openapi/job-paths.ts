/** Jobs and search in the OpenAPI document. Tests hold real answers against the schemas. */
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { EVENT_KINDS } from '../../jobs/event-bus.ts'
import { JOB_STATES } from '../../jobs/job.ts'

const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const moment = { type: 'string', format: 'date-time' }
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const list = (items: object) => ({ type: 'array', items })
const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
})
const cursor = { type: 'string', description: 'Give it back for the next page; absent at the end.' }

const fault = object({ code: text, message: text, hint: text }, ['hint'])
const match = object(
  {
    rule: { enum: ['deny', 'review'] },
    label: text,
    name: text,
    category: text,
    score: { type: 'number' },
    count: { type: 'integer', minimum: 1 },
  },
  ['name', 'category'],
)
const picture = {
  n: { type: 'integer', minimum: 0, description: 'Number within the job.' },
  name: text,
  line: { type: 'integer', minimum: 1, description: 'Line of the manifest.' },
  source: { type: 'string', description: 'Its address; absent where the bytes were sent.' },
  state: { enum: JOB_STATES },
  attempts: count,
  finishedAt: moment,
  error: fault,
  result: ref('Found'),
  verdict: {
    ...object({ verdict: { enum: ['deny', 'review'] }, matches: list(match) }),
    description: 'What the policy of the service says of it.',
  },
  uncertain: { type: 'boolean', description: 'Some score lies where a person should look.' },
  model: { type: 'string', description: 'Names a model of `models`.' },
  annotated: { type: 'boolean' },
}
const OPTIONAL = [
  'line',
  'source',
  'finishedAt',
  'error',
  'result',
  'verdict',
  'uncertain',
  'model',
  'annotated',
]
const models = { type: 'object', additionalProperties: ref('JobModel') }

export const jobSchemas = {
  Job: object(
    {
      id: text,
      state: { enum: JOB_STATES },
      batch: text,
      model: text,
      detect: { type: 'object', description: 'Options of detection.' },
      annotate: { enum: ['jpeg', 'png', 'webp'] },
      webhook: object({ url: text }),
      counts: object({ total: count, succeeded: count, failed: count, cancelled: count }),
      complete: { type: 'boolean', description: 'False while the manifest is still being read.' },
      createdAt: moment,
      startedAt: moment,
      finishedAt: moment,
      expiresAt: moment,
      summary: object({ labels: list(object({ label: text, pictures: count, objects: count })) }),
    },
    ['batch', 'model', 'detect', 'annotate', 'webhook', 'startedAt', 'finishedAt', 'summary'],
  ),
  Jobs: object({ jobs: list(ref('Job')), cursor }, ['cursor']),
  JobModel: {
    type: 'object',
    required: ['name', 'family', 'sha256', 'licence', 'contract'],
    properties: {
      name: text,
      family: text,
      sha256: text,
      licence: { type: ['string', 'null'] },
      contract: { type: 'object' },
    },
  },
  JobPicture: object({ ...picture, models }, [...OPTIONAL, 'models']),
  JobPictures: object({ pictures: list(object(picture, OPTIONAL)), models, cursor }, ['cursor']),
  FoundPictures: object({ pictures: list(object({ job: text, ...picture }, OPTIONAL)), models, cursor }, [
    'cursor',
  ]),
  WebhookEvent: object({
    type: { type: 'string', description: `job.succeeded, job.failed, job.cancelled or ${EVENT_KINDS[1]}.` },
    timestamp: moment,
    data: { type: 'object', description: 'The job, or the picture and what the policy says of it.' },
  }),
}

type Name = keyof typeof jobSchemas | 'Error'
const json = (name: Name) => ({ 'application/json': { schema: ref(name) } })
const answer = (description: string, name: Name) => ({ description, content: json(name) })
const refusal = (description: string) => answer(description, 'Error')

const query = (name: string, schema: object, description: string) => ({
  name,
  in: 'query',
  schema,
  description,
})
const id = { name: 'id', in: 'path', required: true, schema: text }
const n = { name: 'n', in: 'path', required: true, schema: { type: 'integer', minimum: 0 } }
const PAGE = [
  query(
    'limit',
    { type: 'integer', minimum: 1, maximum: JOB_DEFAULTS.mostPageSize, default: JOB_DEFAULTS.pageSize },
    'Most entries of a page.',
  ),
  query('cursor', text, 'Of the page before.'),
]
const SINCE = [
  query('since', text, 'A date or moment, as ISO 8601 has them.'),
  query('until', text, 'The same; left out itself.'),
]
const STATE = query('state', text, `Some of ${JOB_STATES.join(', ')}, parted by commas.`)

const FAULTS = {
  400: refusal('The request does not have the documented form.'),
  401: refusal('No key, or one that is not valid.'),
  503: refusal('The store is full, locked or cannot be written, or the service is stopping.'),
}
const NONE = { 404: refusal('No such job, or one of somebody else.') }
const CONFLICT = { 409: refusal('The job is in a state that does not allow this.') }

/** @param body how detection takes pictures: jobs take the same, and lists of pictures */
export const jobPaths = (parameters: readonly object[], body: object) => ({
  '/v1/jobs': {
    post: {
      summary: 'Submit pictures, to be detected later',
      description:
        'Takes what /v1/detect takes, JSON lines or CSV that name pictures, or the address of a list.',
      operationId: 'submitJob',
      parameters: [
        ...parameters,
        query('batch', text, 'A word that several jobs share.'),
        query('ttl', { type: 'integer', minimum: 1 }, 'Seconds that the job and its results are kept.'),
        query('annotate', { enum: ['jpeg', 'png', 'webp'] }, 'Keep an annotated copy.'),
        query('webhook', text, 'Address that hears of the end.'),
        {
          name: 'Idempotency-Key',
          in: 'header',
          schema: { type: 'string', maxLength: 255 },
          description: 'The same key with the same parameters gives the same job.',
        },
      ],
      requestBody: {
        required: true,
        content: {
          ...body,
          'application/jsonl': { schema: { type: 'string', description: 'Lines with "source-ref".' } },
          'text/csv': { schema: { type: 'string', description: 'Addresses, or a column source-ref.' } },
        },
      },
      responses: {
        202: answer('Accepted, and kept whatever happens.', 'Job'),
        200: answer('The job that this key has made before.', 'Job'),
        ...FAULTS,
        413: refusal('The body or a picture is larger than the limit.'),
        422: refusal('The key was used with other parameters, or the list cannot be read.'),
      },
    },
    get: {
      summary: 'List jobs, newest first',
      operationId: 'listJobs',
      parameters: [STATE, query('batch', text, 'Of one batch.'), ...SINCE, ...PAGE],
      responses: { 200: answer('A page of jobs.', 'Jobs'), ...FAULTS },
    },
  },
  '/v1/jobs/redrive': {
    post: {
      summary: 'Try everything among the dead letters again',
      operationId: 'redriveJobs',
      responses: {
        202: {
          description: 'How many pictures.',
          content: { 'application/json': { schema: object({ pictures: count }) } },
        },
        ...FAULTS,
      },
    },
  },
  '/v1/jobs/{id}': {
    get: {
      summary: 'One job, with a summary by label',
      operationId: 'getJob',
      parameters: [
        id,
        query('wait', { type: 'number', minimum: 0 }, 'Seconds to wait for a change of state or counts.'),
        { name: 'If-None-Match', in: 'header', schema: text, description: 'ETag of what is known.' },
      ],
      responses: {
        200: answer('The job.', 'Job'),
        304: { description: 'It is as it was.' },
        ...FAULTS,
        ...NONE,
      },
    },
    delete: {
      summary: 'Cancel a job',
      operationId: 'deleteJob',
      parameters: [id],
      responses: {
        200: answer('The job; what was done of it is kept.', 'Job'),
        ...FAULTS,
        ...NONE,
        ...CONFLICT,
      },
    },
  },
  '/v1/jobs/{id}/cancel': {
    post: {
      summary: 'Cancel a job',
      operationId: 'cancelJob',
      parameters: [id],
      responses: {
        200: answer('The job; what was done of it is kept.', 'Job'),
        ...FAULTS,
        ...NONE,
        ...CONFLICT,
      },
    },
  },
  '/v1/jobs/{id}/retry': {
    post: {
      summary: 'Try failed and cancelled pictures again',
      operationId: 'retryJob',
      parameters: [id],
      responses: { 202: answer('The job.', 'Job'), ...FAULTS, ...NONE, ...CONFLICT },
    },
  },
  '/v1/jobs/{id}/events': {
    get: {
      summary: 'Progress as server-sent events',
      description: 'Events job, picture, flagged and end. Last-Event-ID goes on where a connection broke.',
      operationId: 'jobEvents',
      parameters: [id, { name: 'Last-Event-ID', in: 'header', schema: text }],
      responses: {
        200: { description: 'Until the job ends.', content: { 'text/event-stream': { schema: text } } },
        ...FAULTS,
        ...NONE,
      },
    },
  },
  '/v1/jobs/{id}/pictures': {
    get: {
      summary: 'Pictures of a job with their results',
      operationId: 'listPictures',
      parameters: [id, STATE, ...PAGE],
      responses: { 200: answer('A page of pictures.', 'JobPictures'), ...FAULTS, ...NONE },
    },
  },
  '/v1/jobs/{id}/pictures/{n}': {
    get: {
      summary: 'One picture with its result',
      operationId: 'getPicture',
      parameters: [id, n],
      responses: { 200: answer('The picture.', 'JobPicture'), ...FAULTS, ...NONE },
    },
  },
  '/v1/jobs/{id}/pictures/{n}/annotated': {
    get: {
      summary: 'The annotated copy',
      operationId: 'getAnnotated',
      parameters: [id, n],
      responses: {
        200: {
          description: 'The picture.',
          content: { 'image/*': { schema: { type: 'string', format: 'binary' } } },
        },
        ...FAULTS,
        ...NONE,
      },
    },
  },
  '/v1/search': {
    get: {
      summary: 'Find pictures by what was found in them',
      operationId: 'search',
      parameters: [
        query('label', list(text), 'May be repeated: all of them must be there.'),
        query(
          'minScore',
          { type: 'number', minimum: 0, maximum: 1 },
          'Least score of each object that counts.',
        ),
        query('count', text, 'Objects of each label: 2, >=2, <3.'),
        query('without', list(text), 'May be repeated: none of them may be there.'),
        query('model', text, 'SHA-256 of the model file, or its beginning.'),
        query('verdict', { enum: ['deny', 'review'] }, 'What the policy says.'),
        query('uncertain', { type: 'boolean' }, 'Only those with a score in doubt.'),
        ...SINCE,
        ...PAGE,
      ],
      responses: { 200: answer('Newest first.', 'FoundPictures'), ...FAULTS },
    },
  },
})
