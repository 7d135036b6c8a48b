import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { DEFAULT_LIMITS } from '../api/options.ts'
import { BoxletError } from '../errors.ts'
import type { ServedModel } from '../pool/worker-messages.ts'
import { processorShare } from '../runtime/processors.ts'
import { defaultKeyFile } from '../server/key-file.ts'
import { LOG_FORMATS, type LogFormat } from '../server/request-log.ts'
import { type ServiceOptions, URL_MODES, type UrlMode } from '../server/service-options.ts'
import { defined } from '../system/defined.ts'
import { readSettings, type Settings } from './kit/config.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from './kit/model-options.ts'
import type { Io, Verb } from './kit/verb.ts'

const MIB = 1024 * 1024
/** Pictures that may wait for each worker: a second or two of work for a small model. */
const QUEUE_PER_WORKER = 16

const OPTIONS = {
  ...MODEL_OPTIONS,
  model: { type: 'string', short: 'm', multiple: true },
  host: { type: 'string' },
  port: { type: 'number', integer: true, min: 0, max: 65_535 },
  workers: { type: 'number', integer: true, min: 1, max: 256 },
  queue: { type: 'number', integer: true, min: 1, max: 10_000 },
  'per-client': { type: 'number', integer: true, min: 1, max: 10_000 },
  deadline: { type: 'number', min: 0.1, max: 900 },
  'max-body': { type: 'number', min: 0.1, max: 1024 },
  'max-image': { type: 'number', min: 0.1, max: 1024 },
  'max-pixels': { type: 'number', integer: true, min: 1, max: 2 ** 30 },
  'max-images': { type: 'number', integer: true, min: 1, max: 1000 },
  keys: { type: 'string' },
  auth: { type: 'boolean' },
  urls: { type: 'string', choices: URL_MODES },
  blobs: { type: 'string' },
  cors: { type: 'string', multiple: true },
  'rekognition-limits': { type: 'string', choices: ['service', 'boxlet'] },
  log: { type: 'string', choices: LOG_FORMATS },
  grace: { type: 'number', min: 0, max: 900 },
} as const

export const verb: Verb = {
  name: 'serve',
  summary: 'Answer detection requests over HTTP, with a page to try it.',
  help: `boxlet serve [options]

Opens http://127.0.0.1:8080 with a page to try the model, the native API, the Rekognition API and others.

Models
  --model [NAME=]MODEL  name in the catalogue, or an .onnx or .tflite file; may be repeated, the first one
                        answers requests that name none (default ${DEFAULT_MODEL})
  --labels FILE, --contract FILE, --set PATH=VALUE, --as-is
                        as for "boxlet detect"; only with a single model
  --workers N           worker threads, each with its own copy of the model (default: the processor quota)
  --threads N           processor threads of one run (default 1; more help one caller, fewer workers help many)

Address
  --host ADDRESS        default 127.0.0.1; any address that others can reach needs a key
  --port N              default 8080; 0 takes a free one
  --keys FILE           keys made with "boxlet keys" (default ~/.config/boxlet/keys.json)
  --auth                ask for keys on a loopback address too, as behind a reverse proxy
  --cors ORIGIN         let pages of this origin call; may be repeated; * for all (default none)

Limits
  --queue N             requests that may wait for each worker (default ${QUEUE_PER_WORKER}); above it: 503
  --per-client N        requests of one key or address under way (default: all); above it: 429
  --deadline S          seconds for one request (default ${DEFAULT_LIMITS.deadlineMs / 1000})
  --max-body MB         request body in MiB (default ${DEFAULT_LIMITS.bodyBytes / MIB})
  --max-image MB        one encoded picture in MiB (default ${DEFAULT_LIMITS.pictureBytes / MIB})
  --max-pixels N        pixels that one picture may declare (default ${DEFAULT_LIMITS.pixels})
  --max-images N        pictures in one request (default ${DEFAULT_LIMITS.pictures})
  --rekognition-limits  service | boxlet: the size limits of Rekognition, or only those above (default service)

Pictures
  --urls MODE           off | https | any: addresses that are fetched. "any" allows plain http and private
                        networks; only for callers that you trust (default https)
  --blobs FOLDER        folder whose folders are buckets, for pictures by S3 name

Running
  --log FORMAT          json | text | off, on standard error (default text on a terminal, else json)
  --grace S             seconds that accepted work gets after Ctrl-C or SIGTERM (default 25)

Examples
  boxlet serve
  boxlet serve --model shelf=shelf.onnx --labels classes.txt
  boxlet keys create && boxlet serve --host 0.0.0.0
`,
  run,
}

type Values = Settings<typeof OPTIONS>

async function run(args: string[], io: Io): Promise<0> {
  const { values, positionals } = await readSettings('serve', args, OPTIONS, io.env)
  if (positionals.length > 0) {
    throw new BoxletError('USAGE', 'Expected options alone but received a file or word.', {
      hint: 'Name the model with --model.',
    })
  }
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
  const queue = (values.queue ?? QUEUE_PER_WORKER) * workers
  const inFlight = workers + queue
  const host = values.host ?? '127.0.0.1'
  await checkBlobs(values.blobs)
  for (const origin of values.cors ?? []) {
    checkOrigin(origin)
  }
  const terminal = 'isTTY' in io.stderr && io.stderr.isTTY === true
  return {
    host,
    port: values.port ?? 8080,
    pool: {
      models: await servedModels(values),
      workers,
      threads,
      queue: pictureQueue(inFlight, values),
      jobsPerWorker: 1,
    },
    limits: {
      inFlight,
      ...defined({ inFlightPerClient: values['per-client'] }),
      ...(values.deadline !== undefined && { deadlineMs: values.deadline * 1000 }),
      ...(values['max-body'] !== undefined && { bodyBytes: Math.floor(values['max-body'] * MIB) }),
      ...(values['max-image'] !== undefined && { pictureBytes: Math.floor(values['max-image'] * MIB) }),
      ...defined({ pixels: values['max-pixels'], pictures: values['max-images'] }),
    },
    keyFile: values.keys ?? defaultKeyFile(io.env),
    requireKeys: values.auth ?? false,
    urls: (values.urls as UrlMode | undefined) ?? 'https',
    blobs: values.blobs,
    corsOrigins: values.cors ?? [],
    rekognitionLimits: values['rekognition-limits'] === 'boxlet' ? 'boxlet' : 'service',
    log: { format: (values.log as LogFormat | undefined) ?? (terminal ? 'text' : 'json'), out: io.stderr },
    graceMs: (values.grace ?? 25) * 1000,
    onNotice: (line) => void io.stderr.write(`boxlet: ${line}\n`),
  }
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

/** Requests are what is admitted; each may hold several pictures, and none of an admitted one is refused. */
const pictureQueue = (inFlight: number, values: Values): number =>
  inFlight * (values['max-images'] ?? DEFAULT_LIMITS.pictures)

async function servedModels(values: Values): Promise<ServedModel[]> {
  const { model: models = [DEFAULT_MODEL], threads: _threads, ...rest } = values
  const { signal: _signal, onProgress: _progress, onNotice: _notice, ...options } = await modelOptions(rest)
  if (models.length > 1 && Object.keys(options).length > 0) {
    throw new BoxletError(
      'USAGE',
      'Expected a single model for --labels, --contract, --set or --as-is but received several.',
    )
  }
  const served = models.map((text) => ({ ...named(text), options }))
  if (new Set(served.map(({ name }) => name)).size < served.length) {
    throw new BoxletError('USAGE', 'Expected a different name for each model.', {
      hint: 'Write --model NAME=FILE.',
    })
  }
  return served
}

/** `NAME=MODEL`, or a model alone, whose file name without its ending is then the name. */
function named(text: string): { name: string; model: string } {
  const match = /^([A-Za-z0-9][\w.-]{0,99})=(.+)$/s.exec(text)
  if (match !== null) {
    return { name: match[1] as string, model: match[2] as string }
  }
  return { name: basename(text).replace(/\.(onnx|tflite)$/i, ''), model: text }
}
