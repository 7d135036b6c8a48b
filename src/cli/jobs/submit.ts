import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { checkWebhook } from '../../api/jobs/post-webhook.ts'
import { BoxletError } from '../../errors.ts'
import { ANNOTATED_FORMATS, type JobOptions } from '../../jobs/job.ts'
import type { NewPicture } from '../../jobs/job-store.ts'
import type { JobView } from '../../jobs/view.ts'
import { viewJob } from '../../jobs/view.ts'
import { webhookRules } from '../../server/job-worker.ts'
import { defined } from '../../system/defined.ts'
import { type PictureSource, pictureSources } from '../detect/sources.ts'
import { detectOptions, KEPT_DETECTION_OPTIONS } from '../kit/detection-options.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { type Connection, connect } from './connect.ts'
import { modelOf } from './job-model.ts'
import { jobTable } from './job-text.ts'
import { upload } from './upload.ts'
import { WAIT_OPTIONS, waitFor } from './wait.ts'
import { readPolicy } from './work-options.ts'

const OPTIONS = {
  ...KEPT_DETECTION_OPTIONS,
  manifest: {
    type: 'string',
    says: 'list of pictures: JSON lines with source-ref, or CSV; paths in it are relative to its folder',
    group: 'Job',
    value: 'FILE',
    own: true,
    completes: 'file',
  },
  wait: {
    type: 'boolean',
    says: 'wait until it has ended, and print the outcome',
    group: 'Job',
    own: true,
  },
  batch: {
    type: 'string',
    says: 'a word that several jobs share',
    group: 'Job',
    value: 'NAME',
    otherwise: 'the name of the folder',
    own: true,
  },
  key: {
    type: 'string',
    says: 'idempotency key: the same key with the same parameters gives the same job',
    group: 'Job',
    value: 'TEXT',
    otherwise:
      'made from the pictures and options, so that the same call within a day goes on with the same job',
    own: true,
  },
  ttl: {
    type: 'number',
    says: 'days for which the job and its results are kept',
    group: 'Job',
    value: 'DAYS',
    min: 0.001,
    max: 366,
    default: 30,
    own: true,
  },
  annotate: {
    type: 'string',
    says: 'keep an annotated copy of each picture',
    group: 'Job',
    value: 'F',
    choices: ANNOTATED_FORMATS,
    own: true,
  },
  webhook: { type: 'string', says: 'address to notify at the end', group: 'Job', value: 'URL', own: true },
  ...WAIT_OPTIONS,
} as const satisfies Options

type Values = Settings<typeof OPTIONS>

export const verb = defineVerb({
  name: 'jobs submit',
  summary: 'Submit pictures, folders or a list of them, to be detected later.',
  about: `On this machine, pictures are named to the store and read when their turn comes; with --endpoint, or a store
    in PostgreSQL, they are uploaded. What was submitted is kept whatever happens: Ctrl-C and the same call again go on where it was.`,
  inputs: { usage: '[PICTURE...]', noun: 'picture', least: 0, completes: 'file' },
  options: OPTIONS,
  exits:
    '0 submitted, or with --wait all succeeded; 1 some failed or were cancelled, or it was stopped; 2 wrong usage; 3 nothing could be done.',
  examples: [
    'boxlet jobs submit photos/ --wait',
    'boxlet jobs submit --manifest list.jsonl --batch holidays',
    'boxlet jobs submit photos/ --endpoint https://boxlet.example --webhook https://shop.example/hook',
  ],
  alsoKnownAs: ['add', 'create', 'enqueue'],
  run,
})

/** A single job takes pictures by a list from this many on. */
const DAY_MS = 86_400_000

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  if ((inputs.length === 0) === (values.manifest === undefined)) {
    throw new BoxletError('USAGE', 'Expected pictures or --manifest but received both or neither.')
  }
  await using jobs = await connect(values, io)
  if (values.webhook !== undefined && jobs.local !== undefined) {
    checkWebhook(values.webhook, webhookRules(values.urls))
  }
  const submitted = await submit(jobs, inputs, values, io)
  if (submitted.length === 0) {
    return 1
  }
  if (values.wait) {
    return await waitFor(
      jobs,
      submitted.map(({ id }) => id),
      values,
      io,
    )
  }
  io.stdout.write(
    values.format === 'json' ? `${JSON.stringify(submitted, undefined, 2)}\n` : jobTable(submitted),
  )
  return io.signal.aborted ? 1 : 0
}

async function submit(
  jobs: Connection,
  inputs: readonly string[],
  values: Values,
  io: Io,
): Promise<JobView[]> {
  const batch = values.batch ?? (await batchOf(inputs))
  if (values.manifest !== undefined) {
    return [await submitManifest(jobs, values.manifest, values, batch)]
  }
  const sources = await pictureSources(inputs, {
    stdin: io.stdin,
    env: io.env,
    allowPrivate: false,
    onNotice: (line) => void io.stderr.write(`boxlet: ${line}\n`),
  })
  if (!jobs.local?.home.seesFiles) {
    return upload(jobs.client, sources, { query: queryOfJob(values, batch), key: values.key }, io)
  }
  return [await submitHere(jobs.local, sources, values, batch, io)]
}

/** One folder gives its name. */
async function batchOf(inputs: readonly string[]): Promise<string | undefined> {
  const [only, ...others] = inputs
  if (only === undefined || others.length > 0) {
    return undefined
  }
  const info = await stat(only).catch(() => undefined)
  return info?.isDirectory() ? basename(resolve(only)) : undefined
}

/** Names files to the store instead of copying them: ten thousand pictures take no room. */
async function submitHere(
  { home, service, tenant }: NonNullable<Connection['local']>,
  sources: readonly PictureSource[],
  values: Values,
  batch: string | undefined,
  io: Io,
): Promise<JobView> {
  const listed = sources.every(({ path }) => path !== undefined)
  const common = {
    options: { ...optionsOf(values), ...modelOf(values) },
    ttlMs: values.ttl * DAY_MS,
    ...defined({ batch }),
  }
  if (listed && sources.length > 1) {
    const lines = sources.map(({ name, path }) => JSON.stringify({ 'source-ref': resolve(path!), name }))
    const list = Buffer.from(`${lines.join('\n')}\n`)
    const manifest = {
      ...(await home.blobs.keep(list)),
      format: 'jsonl' as const,
      base: process.cwd(),
      made: true as const,
    }
    const key =
      values.key ??
      (await keyOf([list, JSON.stringify(common), await workOf(values)], pathsOf(sources, values)))
    const { job } = await service.submit(tenant, { ...common, pictures: [], manifest, key })
    return viewJob(job)
  }
  const pictures = await Promise.all(
    sources.map(async ({ name, path, read }): Promise<NewPicture> => {
      if (path !== undefined) {
        return { name, source: { kind: 'file', path: resolve(path) } }
      }
      return {
        name,
        source: { kind: 'blob', ref: await home.blobs.keep(await read(io.signal)), owned: true },
      }
    }),
  )
  const { job } = await service.submit(tenant, { ...common, pictures, ...defined({ key: values.key }) })
  return viewJob(job)
}

/** Another size or time of any file is another job. */
async function keyOf(parts: readonly (Uint8Array | string)[], paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(part)
  }
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined)
    hash.update(`${info?.size} ${info?.mtimeMs}\n`)
  }
  return `cli-${hash.digest('hex')}`
}

/** Files that have a part in the results: the pictures, and what the model is made of. */
const pathsOf = (sources: readonly PictureSource[], values: Values): string[] => {
  const { model, labels, contract } = modelOf(values).load ?? {}
  return [...sources.map(({ path }) => path), model, labels, contract].filter((path) => path !== undefined)
}

/** What the workers of this call make of pictures beside detecting in them. */
async function workOf({ policy, 'uncertain-band': band }: Values): Promise<string> {
  return JSON.stringify([policy === undefined ? undefined : await readPolicy(policy), band])
}

async function submitManifest(
  jobs: Connection,
  path: string,
  values: Values,
  batch: string | undefined,
): Promise<JobView> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected a list of pictures but "${path}" cannot be read.`, { cause })
  }
  const format = /\.csv$/i.test(path) ? 'csv' : 'jsonl'
  if (jobs.local === undefined) {
    const query = queryOfJob(values, batch)
    const key = values.key ?? (await keyOf([bytes, String(query)], []))
    return jobs.client.submit(query, {
      body: bytes,
      headers: {
        'content-type': format === 'csv' ? 'text/csv' : 'application/jsonl',
        'idempotency-key': key,
      },
    })
  }
  const { home, service, tenant } = jobs.local
  // Whoever works elsewhere sees no path of this machine.
  const base = home.seesFiles ? { base: resolve(dirname(path)) } : {}
  const { model, load } = modelOf(values)
  const common = {
    options: { ...optionsOf(values), ...defined({ model, load: home.seesFiles ? load : undefined }) },
    ttlMs: values.ttl * DAY_MS,
    ...defined({ batch }),
  }
  const parts = [bytes, JSON.stringify([common, base]), await workOf(values)]
  const key = values.key ?? (await keyOf(parts, pathsOf([], values)))
  const manifest = { ...(await home.blobs.keep(bytes)), format, ...base } as const
  const { job } = await service.submit(tenant, {
    ...common,
    pictures: [],
    manifest,
    key,
  })
  return viewJob(job)
}

function optionsOf(values: Values): JobOptions {
  const detect = detectOptions(values)
  return {
    ...(Object.keys(detect).length > 0 && { detect }),
    ...defined({
      annotate: values.annotate,
      webhook: values.webhook === undefined ? undefined : { url: values.webhook },
    }),
  }
}

function queryOfJob(values: Values, batch: string | undefined): URLSearchParams {
  const { slice, image, ...detect } = detectOptions(values)
  const query = new URLSearchParams({ ttl: String(Math.round((values.ttl * DAY_MS) / 1000)) })
  const tiles = typeof slice === 'object' ? slice : {}
  const given = {
    ...detect,
    slice: slice === undefined || slice === false ? undefined : true,
    sliceSize: tiles.size,
    sliceOverlap: tiles.overlap,
    tolerant: image?.tolerant,
    batch,
    model: modelOf(values).model,
    annotate: values.annotate,
    webhook: values.webhook,
  }
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) {
      query.set(name, String(value))
    }
  }
  return query
}
