import { type ListedModel, listModels } from '../../store/store.ts'
import { alignColumns, megabytes } from '../../system/words.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { TABLE_OPTIONS } from './options.ts'

export const verb = defineVerb({
  name: 'model list',
  summary: 'List the catalogue: licence and its class, published accuracy, size, and whether it is cached.',
  hint: 'To look at one model, run "boxlet model inspect NAME".',
  options: TABLE_OPTIONS,
  examples: ['boxlet model list'],
  alsoKnownAs: ['models', 'ls', 'list-models'],
  run,
})

async function run({ values }: Call<typeof TABLE_OPTIONS>, io: Io): Promise<ExitCode> {
  const models = await listModels({ env: io.env })
  io.stdout.write(
    values.format === 'json'
      ? `${JSON.stringify({ models: models.map(listedAsJson) }, undefined, 2)}\n`
      : table(models.map(listedAsRow)),
  )
  return 0
}

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
