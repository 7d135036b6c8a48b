import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { defaultStoreFolder } from '../local/home.ts'
import { processorShare } from '../runtime/processors.ts'
import type { JobSettings, ServiceOptions } from '../server/service-options.ts'
import { defined } from '../system/defined.ts'
import { jobSettings } from './jobs/work-options.ts'
import { keyFile } from './keys/options.ts'
import type { Settings } from './kit/option-spec.ts'
import { servedModels } from './kit/served-models.ts'
import { isTerminal } from './kit/terminal.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'
import { MIB, SERVE_OPTIONS } from './serve-options.ts'

export const verb = defineVerb({
  name: 'serve',
  summary: 'Answer detection requests over HTTP, with a page to try it.',
  about: `Opens http://127.0.0.1:8080 with a page to try the model, the native API, the Rekognition API and
    others. --labels, --contract, --set and --as-is go with a single model.`,
  hint: 'Name the model with --model.',
  options: SERVE_OPTIONS,
  examples: [
    'boxlet serve',
    'boxlet serve --model shelf=shelf.onnx --labels classes.txt',
    'boxlet keys create && boxlet serve --host 0.0.0.0',
  ],
  alsoKnownAs: ['server', 'start', 'api', 'web', 'ui'],
  run,
})

type Values = Settings<typeof SERVE_OPTIONS>

async function run({ values }: Call<typeof SERVE_OPTIONS>, io: Io): Promise<ExitCode> {
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
