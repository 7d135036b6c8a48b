import { BoxletError } from '../../errors.ts'
import { type ListedModel, listModels, pullModel, removeModel } from '../../store/store.ts'
import { alignColumns, megabytes } from '../../system/words.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { parseFlags } from '../kit/flags.ts'
import { didYouMean } from '../kit/suggest.ts'
import type { ExitCode, Io, Verb } from '../kit/verb.ts'

const HELP = `boxlet model list [--format table|json]
boxlet model pull NAME... [--format table|json]
boxlet model remove NAME... [--format table|json]
boxlet model inspect FILE|NAME [--format text|json] [--family NAME]
boxlet model contract FILE|NAME [--family NAME] [--out FILE]
boxlet model doctor FILE|NAME --image PIC... [--annotations DATA] [--out DIR] [--format text|json]

Models of the catalogue, by name, and your own files.

  list      all of them: licence and its class, published accuracy, size, and whether they are cached
  pull      fetch models that are not cached yet, and print where they lie
  remove    take models out of the cache
  inspect   what a file says about itself, what is concluded from it, and why
  contract  what is concluded as JSON, to edit and to give back with --contract
  doctor    try colour order, scale, geometry and box code, and say which the model wants and by how much

Options
  --format table|json   how results are printed; table (inspect: text) by default
  --family NAME         read the file as one of this family, not as the likeliest
  --out FILE            of contract: write it there; beside the model as NAME.contract.json it is found by itself

Options of doctor
  --image PIC           picture, folder or pattern; may be given several times
  --annotations DATA    COCO JSON, VOC folder or XML file, or YOLO data.yaml of these pictures: AP then decides
  --limit N             most pictures (default 20)
  --out DIR             folder for report.html and a picture of each reading (default NAME-doctor)
  --write FILE          write the contract that the model wants
  --labels, --contract, --set   as for boxlet detect: where to start from
  It exits with 1 when the model has a fault that no reading mends.

Variables
  BOXLET_CACHE          folder of the cache; by default the cache folder of the platform
  BOXLET_CATALOGUE      folders with entries of your own, looked at first
  BOXLET_OFFLINE=1      never touch the network

Examples
  boxlet model list
  boxlet model pull yolov8n
  boxlet model inspect fridge.onnx
  boxlet model contract fridge.onnx --out fridge.contract.json
  boxlet model doctor fridge.onnx --image photo.jpg --write contract.json
  BOXLET_CACHE=./models boxlet model pull deimv2-atto

docs/models.md tells which model to choose and what the licences mean.
`

const SUBVERBS: Record<string, (args: string[], io: Io) => Promise<ExitCode>> = {
  list,
  pull,
  remove,
  inspect: async (args, io) => (await import('./inspect.ts')).run(args, io),
  contract: async (args, io) => (await import('./contract.ts')).run(args, io),
  doctor: async (args, io) => (await import('./doctor.ts')).run(args, io),
}

export const verb: Verb = {
  name: 'model',
  summary: 'List, fetch, inspect and remove models',
  help: HELP,
  async run(args, io) {
    const [name, ...rest] = args
    const run = name !== undefined && Object.hasOwn(SUBVERBS, name) ? SUBVERBS[name] : undefined
    if (run === undefined) {
      const received = name === undefined ? 'nothing' : `"${name}"`
      throw new BoxletError(
        'USAGE',
        `Expected ${Object.keys(SUBVERBS).join(', ')} after "model" but received ${received}.`,
        { hint: `${await didYouMean(name ?? '', Object.keys(SUBVERBS))}Run "boxlet model --help".` },
      )
    }
    return run(rest, io)
  },
}

async function list(args: string[], io: Io): Promise<ExitCode> {
  const { format, names } = await readArgs(args)
  if (names.length > 0) {
    throw usage('Expected no names for "model list" but received some.')
  }
  const models = await listModels({ env: io.env })
  io.stdout.write(
    format === 'json' ? json({ models: models.map(listedAsJson) }) : table(models.map(listedAsRow)),
  )
  return 0
}

async function pull(args: string[], io: Io): Promise<ExitCode> {
  const { format, names } = await readArgs(args)
  if (names.length === 0) {
    throw usage('Expected the name of a model for "model pull" but received none.')
  }
  return forEachName(names, format, io, async (name) => {
    const progress = storeProgress(io)
    try {
      const { path, sha256, licence } = await pullModel(name, progress)
      return { text: path, result: { name, path, sha256, licence } }
    } finally {
      progress.end()
    }
  })
}

async function remove(args: string[], io: Io): Promise<ExitCode> {
  const { format, names } = await readArgs(args)
  if (names.length === 0) {
    throw usage('Expected the name of a model for "model remove" but received none.')
  }
  return forEachName(names, format, io, async (name) => {
    const removed = await removeModel(name, { env: io.env })
    return { text: removed ? `Removed ${name}.` : `${name} was not cached.`, result: { name, removed } }
  })
}

/** One name as an error of the verb; with several, a failure does not stop the rest. */
async function forEachName(
  names: string[],
  format: string,
  io: Io,
  work: (name: string) => Promise<{ text: string; result: object }>,
): Promise<ExitCode> {
  const results: object[] = []
  let failed = 0
  for (const name of names) {
    try {
      const { text, result } = await work(name)
      results.push(result)
      if (format === 'table') {
        io.stdout.write(`${text}\n`)
      }
    } catch (error) {
      if (names.length === 1 || !(error instanceof BoxletError) || error.code === 'ABORTED') {
        throw error
      }
      failed++
      results.push({ name, error: error.toJSON() })
      io.stderr.write(`boxlet: ${error.message} ${error.hint ?? ''} [${error.code}]\n`)
    }
  }
  if (format === 'json') {
    io.stdout.write(json({ models: results }))
  }
  if (failed === 0) {
    return 0
  }
  return failed === names.length ? 3 : 1
}

async function readArgs(args: string[]): Promise<{ format: 'table' | 'json'; names: string[] }> {
  const parsed = await parseFlags('model', args, { format: { type: 'string' } })
  const format = parsed.values.format ?? 'table'
  if (format !== 'table' && format !== 'json') {
    throw usage(`Expected table or json for --format but received "${format}".`)
  }
  return { format, names: [...new Set(parsed.positionals)] }
}

const usage = (message: string): BoxletError =>
  new BoxletError('USAGE', message, { hint: 'Run "boxlet model --help".' })

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

function listedAsJson({ entry, cached }: ListedModel): object {
  return {
    name: entry.name,
    title: entry.title,
    task: entry.task,
    family: entry.family,
    format: entry.format,
    input: entry.input,
    bytes: entry.bytes,
    sha256: entry.sha256,
    licence: { name: entry.licence.name, class: entry.licence.class },
    accuracy: entry.accuracy ?? null,
    cached,
  }
}

const HEADINGS = ['name', 'input', 'MB', 'accuracy', 'licence', 'class', 'cached']

function listedAsRow({ entry, cached }: ListedModel): string[] {
  const { accuracy, licence } = entry
  return [
    entry.name,
    `${entry.input.width}x${entry.input.height}`,
    megabytes(entry.bytes),
    accuracy === undefined ? '-' : `${accuracy.metric} ${accuracy.value.toFixed(1)}`,
    licence.name,
    licence.class,
    cached ? 'yes' : 'no',
  ]
}

const table = (rows: string[][]): string => `${alignColumns([HEADINGS, ...rows]).join('\n')}\n`
