import { DEFAULT_LIMITS } from '../api/options.ts'
import { CLIENTS, type ClientName } from '../server/clients.ts'
import { LOG_FORMATS } from '../server/request-log.ts'
import { WORK_OPTIONS } from './jobs/work-options.ts'
import { KEYS_OPTION } from './keys/options.ts'
import { DETECTION_OPTIONS } from './kit/detection-options.ts'
import { MODEL_OPTIONS } from './kit/model-options.ts'
import { inGroup, type Options } from './kit/option-spec.ts'
import { SERVED_MODELS_OPTION, WORKERS_OPTION } from './kit/served-models.ts'

export const MIB = 1024 * 1024
/** Pictures that may wait for each worker: a second or two of work for a small model. */
const QUEUE_PER_WORKER = 16

const CLIENT_CHOICES = Object.fromEntries(
  Object.entries(CLIENTS).map(([name, { says }]) => [name, says]),
) as Record<ClientName, string>

export const SERVE_OPTIONS = {
  ...inGroup('Models', MODEL_OPTIONS),
  model: SERVED_MODELS_OPTION,
  workers: WORKERS_OPTION,
  threads: {
    ...MODEL_OPTIONS.threads,
    says: 'processor threads of one run; more serve one caller sooner, more workers serve many',
    group: 'Models',
    otherwise: '1',
  },
  host: {
    type: 'string',
    says: 'address to listen on; any that others can reach needs a key',
    group: 'Address',
    value: 'ADDRESS',
    default: '127.0.0.1',
    alsoKnownAs: ['bind', 'listen', 'address'],
  },
  port: {
    type: 'number',
    says: 'port to listen on; 0 takes a free one',
    group: 'Address',
    integer: true,
    min: 0,
    max: 65_535,
    default: 8080,
  },
  keys: { ...KEYS_OPTION, says: 'file with keys made by "boxlet keys"', group: 'Address' },
  auth: {
    type: 'boolean',
    says: 'ask for keys on a loopback address too, as behind a reverse proxy',
    group: 'Address',
    own: true,
  },
  cors: {
    type: 'string',
    says: 'origin whose pages may call the API; * for any',
    group: 'Address',
    value: 'ORIGIN',
    multiple: true,
    otherwise: 'none',
  },
  clients: {
    type: 'string',
    says: 'other programs whose clients may ask in their own way',
    group: 'Clients of other programs',
    value: 'NAME',
    multiple: true,
    choices: CLIENT_CHOICES,
    otherwise: 'none',
    alsoKnownAs: ['dialects', 'compat'],
  },
  'mcp-folder': {
    type: 'string',
    says: 'folder whose pictures and data sets assistants may name',
    group: 'Clients of other programs',
    value: 'DIR',
    multiple: true,
    own: true,
    completes: 'folder',
  },
  'label-studio': {
    type: 'string',
    says: 'address of the Label Studio whose files may be read, with its token in LABEL_STUDIO_API_KEY',
    group: 'Clients of other programs',
    value: 'URL',
  },
  'trust-proxy': {
    type: 'string',
    says: 'reverse proxy, or network of them, whose X-Forwarded-For tells who calls',
    group: 'Address',
    value: 'ADDRESS',
    multiple: true,
    otherwise: 'none',
  },
  queue: {
    type: 'number',
    says: 'requests that may wait for each worker; beyond it: 503',
    group: 'Limits',
    integer: true,
    min: 1,
    max: 10_000,
    default: QUEUE_PER_WORKER,
  },
  'per-client': {
    type: 'number',
    says: 'concurrent requests of one key or address; beyond it: 429',
    group: 'Limits',
    integer: true,
    min: 1,
    max: 10_000,
    otherwise: 'no limit of its own',
  },
  deadline: {
    type: 'number',
    says: 'time limit of one request in seconds',
    group: 'Limits',
    value: 'S',
    min: 0.1,
    max: 900,
    default: DEFAULT_LIMITS.deadlineMs / 1000,
  },
  'max-body': {
    type: 'number',
    says: 'request body in MiB',
    group: 'Limits',
    value: 'MIB',
    min: 0.1,
    max: 1024,
    default: DEFAULT_LIMITS.bodyBytes / MIB,
  },
  'max-image': {
    type: 'number',
    says: 'one encoded picture in MiB',
    group: 'Limits',
    value: 'MIB',
    min: 0.1,
    max: 1024,
    default: DEFAULT_LIMITS.pictureBytes / MIB,
  },
  'max-pixels': {
    ...DETECTION_OPTIONS['max-pixels'],
    group: 'Limits',
    max: 2 ** 30,
    otherwise: String(DEFAULT_LIMITS.pixels),
  },
  'max-images': {
    type: 'number',
    says: 'pictures in one request',
    group: 'Limits',
    integer: true,
    min: 1,
    max: 1000,
    default: DEFAULT_LIMITS.pictures,
  },
  'rekognition-limits': {
    type: 'string',
    says: 'size limits of the Rekognition API',
    group: 'Limits',
    value: 'L',
    choices: { service: 'those of Rekognition', boxlet: 'only the limits above' },
    default: 'service',
  },
  blobs: {
    type: 'string',
    says: 'folder whose folders are buckets, for pictures named as S3 objects',
    group: 'Pictures',
    value: 'DIR',
    completes: 'folder',
  },
  jobs: {
    type: 'boolean',
    says: 'do not offer jobs',
    group: 'Jobs',
    negation: 'no',
    own: true,
  },
  ...WORK_OPTIONS,
  urls: { ...WORK_OPTIONS.urls, group: 'Pictures' },
  store: { ...WORK_OPTIONS.store, group: 'Jobs' },
  watch: {
    type: 'string',
    says: 'folder whose new pictures become jobs',
    group: 'Jobs',
    value: 'DIR',
    multiple: true,
    own: true,
    completes: 'folder',
  },
  beside: {
    type: 'boolean',
    says: 'write the result of a watched picture beside it too, as NAME.json',
    group: 'Jobs',
    own: true,
  },
  log: {
    type: 'string',
    says: 'format of the request log on standard error',
    group: 'Running',
    value: 'F',
    choices: LOG_FORMATS,
    otherwise: 'text on a terminal, else json',
  },
  grace: {
    type: 'number',
    says: 'seconds that accepted work is given to finish after Ctrl-C or SIGTERM',
    group: 'Running',
    value: 'S',
    min: 0,
    max: 900,
    default: 25,
  },
} as const satisfies Options
