/** Jobs and search in the OpenAPI document. */
import * as v from 'valibot'
import {
  IMAGE_QUERY,
  idempotencyKey,
  LIST_QUERY,
  PICTURES_QUERY,
  SEARCH_QUERY,
  SHOW_QUERY,
  SUBMISSION,
  UPLOAD_QUERY,
} from '../jobs/job-values.ts'
import type { ComponentName } from './components.ts'
import { type Parameter, parameter, queryParameters, ref } from './json-schema.ts'

const answer = (description: string, name: ComponentName) => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
})
const refusal = (description: string) => answer(description, 'Error')

const id = parameter('id', 'path', v.string())
const n = parameter('n', 'path', v.pipe(v.number(), v.integer(), v.minValue(0)))

const FAULTS = {
  400: refusal('The request does not have the documented form.'),
  401: refusal('No key, or one that is not valid.'),
  503: refusal('The store is full, locked or cannot be written, or the service is stopping.'),
}
const NONE = { 404: refusal('No such job, or one of somebody else.') }
const CONFLICT = { 409: refusal('The job is in a state that does not allow this.') }

/** @param body how detection takes pictures: jobs take the same, and lists of pictures */
export const jobPaths = (parameters: readonly Parameter[], body: object) => ({
  '/v1/jobs': {
    post: {
      summary: 'Submit pictures, to be detected later',
      description:
        'Takes what /v1/detect takes, JSON lines or CSV that name pictures, or the address of a list.',
      operationId: 'submitJob',
      parameters: [
        ...parameters,
        ...queryParameters(SUBMISSION),
        parameter('Idempotency-Key', 'header', idempotencyKey),
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
      parameters: queryParameters(LIST_QUERY),
      responses: { 200: answer('A page of jobs.', 'JobPage'), ...FAULTS },
    },
  },
  '/v1/jobs/redrive': {
    post: {
      summary: 'Try everything among the dead letters again',
      operationId: 'redriveJobs',
      responses: {
        202: answer('How many pictures.', 'Redriven'),
        ...FAULTS,
      },
    },
  },
  '/v1/jobs/uploads': {
    post: {
      summary: 'A form for a picture that is too large for a request',
      description: 'Where the service has a bucket: send the fields and then the file to its address.',
      operationId: 'uploadForm',
      parameters: queryParameters(UPLOAD_QUERY),
      responses: {
        201: answer('The form; its picture becomes a job of yours when it has arrived.', 'UploadForm'),
        ...FAULTS,
        404: refusal('The service has no bucket: send the picture itself.'),
      },
    },
  },
  '/v1/jobs/{id}': {
    get: {
      summary: 'One job, with a summary by label',
      operationId: 'getJob',
      parameters: [
        id,
        ...queryParameters(SHOW_QUERY),
        parameter('If-None-Match', 'header', v.pipe(v.string(), v.description('ETag of what is known.'))),
      ],
      responses: {
        200: answer('The job.', 'JobWithSummary'),
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
      parameters: [id, parameter('Last-Event-ID', 'header', v.string())],
      responses: {
        200: {
          description: 'Until the job ends.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        ...FAULTS,
        ...NONE,
      },
    },
  },
  '/v1/jobs/{id}/pictures': {
    get: {
      summary: 'Pictures of a job with their results',
      operationId: 'listPictures',
      parameters: [id, ...queryParameters(PICTURES_QUERY)],
      responses: { 200: answer('A page of pictures.', 'JobPicturePage'), ...FAULTS, ...NONE },
    },
  },
  '/v1/jobs/{id}/pictures/{n}': {
    get: {
      summary: 'One picture with its result',
      operationId: 'getPicture',
      parameters: [id, n],
      responses: { 200: answer('The picture.', 'JobPictureWithModels'), ...FAULTS, ...NONE },
    },
  },
  '/v1/jobs/{id}/pictures/{n}/review': {
    put: {
      summary: 'Say what a person thinks of a result',
      description: 'For queues of moderation: search with verdict=review&review=open finds what is left.',
      operationId: 'reviewPicture',
      parameters: [id, n],
      requestBody: { required: true, content: { 'application/json': { schema: ref('Review') } } },
      responses: { 200: answer('The picture.', 'JobPicture'), ...FAULTS, ...NONE, ...CONFLICT },
    },
  },
  '/v1/jobs/{id}/pictures/{n}/image': {
    get: {
      summary: 'The picture itself, small, as JPEG',
      description: 'Read from where it came: gone once that is.',
      operationId: 'getPictureImage',
      parameters: [id, n, ...queryParameters(IMAGE_QUERY)],
      responses: {
        200: {
          description: 'The picture.',
          content: { 'image/jpeg': { schema: { type: 'string', format: 'binary' } } },
        },
        ...FAULTS,
        404: refusal('No such picture, or its source is gone or out of reach.'),
        422: refusal('The picture is damaged or could not be fetched.'),
      },
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
      parameters: queryParameters(SEARCH_QUERY),
      responses: { 200: answer('Newest first.', 'FoundPage'), ...FAULTS },
    },
  },
})
