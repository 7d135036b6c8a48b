import { once } from 'node:events'
import { join } from 'node:path'
import type { ModelInfo } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { fromNative } from '../../formats/from-native.ts'
import type { NativeFound } from '../../formats/native.ts'
import { FORMATS, type Format, reportWriter } from '../../formats/report.ts'
import type { Outcome } from '../../formats/report-writer.ts'
import type { FoundView, ModelsView, PictureView } from '../../jobs/view.ts'
import { saveFile } from '../../system/save-file.ts'
import { counted } from '../../system/words.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { type Connection, connect, WHERE_OPTIONS } from './connect.ts'
import { exportSet } from './export-set.ts'
import { openExisting } from './open-store.ts'
import { SEARCH_OPTIONS, searchQuery } from './search.ts'

const OPTIONS = {
  job: {
    type: 'string',
    says: 'results of this job, those that failed included; without it, what the search finds',
    group: 'What to export',
    value: 'ID',
    multiple: true,
    own: true,
  },
  ...SEARCH_OPTIONS,
  format: {
    type: 'string',
    says: 'form of the results',
    group: 'Output',
    value: 'F',
    choices: FORMATS,
    default: 'ndjson',
    own: true,
  },
  out: {
    type: 'string',
    says: 'folder for formats that are one file a picture, such as yolo',
    group: 'Output',
    value: 'DIR',
    own: true,
    completes: 'folder',
  },
  set: {
    type: 'string',
    says: 'write the pictures with their boxes as a COCO data set into this folder, ready for labelling',
    group: 'Output',
    value: 'DIR',
    own: true,
    completes: 'folder',
  },
  ...WHERE_OPTIONS,
} as const satisfies Options

type Values = Settings<typeof OPTIONS>

export const verb = defineVerb({
  name: 'jobs export',
  summary: 'Write results as JSON lines, CSV, COCO, YOLO and others, or pictures as a data set.',
  options: OPTIONS,
  exits: '0 all written, 1 some pictures failed or are gone, 2 wrong usage, 3 there was nothing to export.',
  examples: [
    'boxlet jobs export --job ID --format csv > results.csv',
    'boxlet jobs export --label dog --min-score 0.8 --format coco > dogs.json',
    'boxlet jobs export --uncertain --set to-label/',
  ],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  await using jobs = await connect(values, io, openExisting)
  if (values.set !== undefined) {
    return await exportSet(jobs, pagesOf(jobs, values), values.set, io)
  }
  const format = values.format as Format
  const names = await namesOf(jobs, values, format)
  const writer = reportWriter(format, names)
  if (writer.perPicture !== undefined && values.out === undefined) {
    throw new BoxletError('USAGE', `Expected a folder for --out, since ${format} is one file a picture.`)
  }
  let model: ModelInfo | undefined
  const seen = new Map<string, number>()
  const others = new Set<string>()
  let count = 0
  let failed = 0
  for await (const { pictures, models } of pagesOf(jobs, values)) {
    for (const picture of pictures) {
      const outcome = outcomeOf(picture)
      if (outcome === undefined) {
        continue
      }
      if (picture.model !== undefined) {
        if (model === undefined) {
          model = modelOf(models, picture.model)
          await write(io, writer.begin(model))
        }
        others.add(picture.model)
      }
      count++
      failed += outcome.error === undefined ? 0 : 1
      if (model === undefined) {
        continue
      }
      const text = writer.picture(outcome)
      if (writer.perPicture === undefined) {
        await write(io, text)
      } else if (outcome.error === undefined) {
        await saveFile(join(values.out!, fileName(picture.name, seen) + writer.perPicture), text)
      }
    }
    if (io.signal.aborted) {
      break
    }
  }
  if (model === undefined) {
    io.stderr.write('boxlet: there is nothing to export.\n')
    return 3
  }
  await write(io, writer.end())
  if (others.size > 1) {
    io.stderr.write(`boxlet: these are results of ${others.size} models; the first is named.\n`)
  }
  io.stderr.write(`boxlet: exported ${counted(count, 'picture')}.\n`)
  return failed > 0 || io.signal.aborted ? 1 : 0
}

async function* pagesOf(
  { client }: Connection,
  values: Values,
): AsyncGenerator<{ pictures: readonly FoundView[]; models: ModelsView }> {
  if (values.job === undefined) {
    const query = searchQuery(values)
    query.set('limit', '500')
    yield* client.allFound(query)
    return
  }
  for (const id of values.job) {
    for await (const { pictures, models } of client.allPictures(id)) {
      yield { pictures: pictures.map((picture) => ({ job: id, ...picture })), models }
    }
  }
}

/** COCO cuts ids from names; it has to know all of them before. */
async function namesOf(jobs: Connection, values: Values, format: Format): Promise<string[]> {
  const names: string[] = []
  if (format === 'coco') {
    for await (const { pictures } of pagesOf(jobs, values)) {
      names.push(...pictures.map(({ name }) => name))
    }
  }
  return names
}

/** Undefined for a picture that is not done. */
function outcomeOf({ name, state, result, error }: PictureView): Outcome | undefined {
  if (state === 'succeeded' && result !== undefined) {
    const found = result as NativeFound
    return {
      source: name,
      result: fromNative(found),
      ...(found.altText !== undefined && { altText: found.altText }),
    }
  }
  return state === 'failed' && error !== undefined
    ? {
        source: name,
        error: new BoxletError(error.code, error.message, {
          ...(error.hint !== undefined && { hint: error.hint }),
        }),
      }
    : undefined
}

const modelOf = (models: ModelsView, key: string): ModelInfo => ({ ...models[key]!, evidence: [] })

/** Inside the folder whatever the name says, and never over another one. */
function fileName(name: string, seen: Map<string, number>): string {
  const stem = name
    .replace(/\.[^./\\]+$/, '')
    .split(/[\\/]/)
    .filter((part) => !/^\.*$/.test(part) && !/^[a-z]:$/i.test(part))
    .join('/')
    .replaceAll('\0', '')
  const base = stem === '' ? 'picture' : stem
  const count = (seen.get(base.toLowerCase()) ?? 0) + 1
  seen.set(base.toLowerCase(), count)
  return count === 1 ? base : `${base}-${count}`
}

async function write(io: Io, text: string): Promise<void> {
  if (text !== '' && !io.stdout.write(text)) {
    await once(io.stdout, 'drain')
  }
}
