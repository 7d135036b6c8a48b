import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_LIMITS } from '../api/options.ts'
import { BoxletError } from '../errors.ts'
import { defaultStoreFolder } from '../local/home.ts'
import { processorShare } from '../runtime/processors.ts'
import { CLIENTS, type ClientName } from '../server/clients.ts'
import { LOG_FORMATS } from '../server/request-log.ts'
import type { JobSettings, ServiceOptions } from '../server/service-options.ts'
import { defined } from '../system/defined.ts'
import { jobSettings, WORK_OPTIONS } from './jobs/work-options.ts'
import { KEYS_OPTION, keyFile } from './keys/options.ts'
import { DETECTION_OPTIONS } from './kit/detection-options.ts'
import { MODEL_OPTIONS } from './kit/model-options.ts'
import { inGroup, type Options, type Settings } from './kit/option-spec.ts'
import { SERVED_MODELS_OPTION, servedModels, WORKERS_OPTION } from './kit/served-models.ts'
import { isTerminal } from './kit/terminal.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const MIB = 1024 * 1024
/** Pictures that may wait for each worker: a second or two of work for a small model. */
const QUEUE_PER_WORKER = 16

const CLIENT_CHOICES = Object.fromEntries(
  Object.entries(CLIENTS).map(([name, { says }]) => [name, says]),
) as Record<ClientName, string>

const OPTIONS = {
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

export const verb = defineVerb({
  name: 'serve',
  summary: 'Answer detection requests over HTTP, with a page to try it.',
  about: `Opens http://127.0.0.1:8080 with a page to try the model, the native API, the Rekognition API and
    others. --labels, --contract, --set and --as-is go with a single model.`,
  hint: 'Name the model with --model.',
  options: OPTIONS,
  examples: [
    'boxlet serve',
    'boxlet serve --model shelf=shelf.onnx --labels classes.txt',
    'boxlet keys create && boxlet serve --host 0.0.0.0',
  ],
  alsoKnownAs: ['server', 'start', 'api', 'web', 'ui'],
  run,
})

type Values = Settings<typeof OPTIONS>

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const { startService } = await import('../server/service.ts')
  const service = await startService(await serviceOptions(values, io))
  const count = service.pool.stats.workers
  io.stderr.write(
    `boxlet: ${service.pool.names.join(', ')} at ${service.url} with ${count} ${count === 1 ? 'worker' : 'workers'}. Ctrl-C stops it.\n`,
  )
  if (!io.signal.aborted) {
    await once(io.signal, 'abort')
  }
  io.stderr.write('boxlet: finishing accepted work.\n')
  if (!(await service.stop())) {
    // Every other end of the process waits for the thread or is an abort of the runtime.
    await new Promise((resolve) =>
      io.stderr.write('boxlet: a worker hangs in a run; ending the process.\n', resolve),
    )
    process.kill(process.pid, 'SIGKILL')
  }
  return 0
}

async function serviceOptions(values: Values, io: Io): Promise<ServiceOptions> {
  const threads = values.threads ?? 1
  const workers = values.workers ?? Math.max(1, Math.round(processorShare(io.env) / threads))
  const queue = values.queue * workers
  const inFlight = workers + queue
  await checkBlobs(values.blobs)
  for (const origin of values.cors ?? []) {
    checkOrigin(origin)
  }
  const terminal = isTerminal(io.stderr)
  return {
    host: values.host,
    port: values.port,
    pool: {
      models: await servedModels(values),
      workers,
      threads,
      queue: pictureQueue(inFlight, values),
      tasksPerWorker: 1,
    },
    limits: {
      inFlight,
      ...defined({ inFlightPerClient: values['per-client'] }),
      deadlineMs: values.deadline * 1000,
      bodyBytes: Math.floor(values['max-body'] * MIB),
      pictureBytes: Math.floor(values['max-image'] * MIB),
      pictures: values['max-images'],
      ...defined({ pixels: values['max-pixels'] }),
    },
    keyFile: keyFile(values.keys, io.env),
    trustedProxies: values['trust-proxy'] ?? [],
    requireKeys: values.auth ?? false,
    urls: values.urls,
    blobs: values.blobs,
    jobs: await jobsSettings(values, io),
    clients: values.clients ?? [],
    mcpFolders: values['mcp-folder'] ?? [],
    labelStudio: labelStudioSettings(values['label-studio'], io.env),
    corsOrigins: values.cors ?? [],
    rekognitionLimits: values['rekognition-limits'],
    log: { format: values.log ?? (terminal ? 'text' : 'json'), out: io.stderr },
    graceMs: values.grace * 1000,
    onNotice: (line) => void io.stderr.write(`boxlet: ${line}\n`),
  }
}

async function jobsSettings(values: Values, io: Io): Promise<JobSettings | undefined> {
  if (values.jobs === false) {
    return undefined
  }
  const beside = values.beside ?? false
  return {
    ...(await jobSettings(values, io.env)),
    watch: (values.watch ?? []).map((folder) => ({ folder, beside })),
  }
}

function labelStudioSettings(
  address: string | undefined,
  env: Io['env'],
): NonNullable<ServiceOptions['labelStudio']> {
  const events = join(defaultStoreFolder(env), 'label-studio.ndjson')
  if (address === undefined) {
    return { events }
  }
  if (!/^https?:/i.test(address) || !URL.canParse(address)) {
    throw new BoxletError(
      'USAGE',
      `Expected an http or https address for --label-studio but received "${address}".`,
    )
  }
  const token = env.LABEL_STUDIO_API_KEY
  return { events, host: { origin: new URL(address).origin, ...(token && { token }) } }
}

async function checkBlobs(folder: string | undefined): Promise<void> {
  if (folder === undefined) {
    return
  }
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) {
    throw new BoxletError('USAGE', `Expected a folder for --blobs but received "${folder}".`, {
      hint: 'Each folder in it is a bucket.',
    })
  }
}

/** Browsers send an origin in one form alone; another one here would never match and nobody would see why. */
function checkOrigin(text: string): void {
  if (text === '*' || (/^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text)) {
    return
  }
  throw new BoxletError('USAGE', `Expected an origin for --cors but received "${text}".`, {
    hint: 'Write scheme, host and port alone, as in https://app.example, or * for all.',
  })
}

/** Each admitted request may hold several pictures, and none of them is refused. */
const pictureQueue = (inFlight: number, values: Values): number => inFlight * values['max-images']
