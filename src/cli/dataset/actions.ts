import { writeFile } from 'node:fs/promises'
import { checkPictures } from '../../datasets/check-pictures.ts'
import { writeCoco } from '../../datasets/coco-write.ts'
import { type Dataset, type DatasetFormat, type ReadOptions, selectImages } from '../../datasets/dataset.ts'
import { withoutMissingPictures } from '../../datasets/missing-pictures.ts'
import { openDataset } from '../../datasets/open.ts'
import { openParts } from '../../datasets/parts.ts'
import { formatProblem, type Problem, ProblemList } from '../../datasets/problem.ts'
import { seededRandom } from '../../datasets/random.ts'
import { type Share, shuffle, stratify } from '../../datasets/split.ts'
import { datasetStats } from '../../datasets/stats.ts'
import { writeVoc } from '../../datasets/voc-write.ts'
import type { Part, WriteOptions, Written } from '../../datasets/write.ts'
import { writeYolo } from '../../datasets/yolo-write.ts'
import { BoxletError } from '../../errors.ts'
import { datasetPage } from '../../evaluate/report/dataset-page.ts'
import { defined } from '../../system/defined.ts'
import { type OptionSpec, readSettings, type Settings } from '../kit/config.ts'
import { progressLine } from '../kit/progress.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import { statsJson, statsMarkdown, statsText } from './stats.ts'

const FORMATS = ['coco', 'voc', 'yolo'] as const
const WRITERS = { coco: writeCoco, voc: writeVoc, yolo: writeYolo }

const OPTIONS = {
  split: { type: 'string' },
  images: { type: 'string' },
  problems: { type: 'string', choices: ['skip', 'keep', 'fatal'] },
  classes: { type: 'string', multiple: true },
  format: { type: 'string', own: true, choices: ['table', 'json', 'markdown'] },
  check: { type: 'boolean' },
  to: { type: 'string', choices: FORMATS },
  out: { type: 'string', own: true, short: 'o' },
  pictures: { type: 'string', choices: ['copy', 'link', 'none'] },
  force: { type: 'boolean' },
  parts: { type: 'string' },
  seed: { type: 'number', integer: true, min: 0 },
  limit: { type: 'number', integer: true, min: 1, max: 5000 },
  class: { type: 'string', multiple: true },
} as const satisfies Record<string, OptionSpec>
type Values = Settings<typeof OPTIONS>

/** Problems told on the terminal; `stats` lists them all on standard output. */
const SHOWN_PROBLEMS = 20

async function read(args: string[], io: Io): Promise<{ values: Values; path: string; options: ReadOptions }> {
  const { values, positionals } = await readSettings('dataset', args, OPTIONS, io.env)
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) {
    throw new BoxletError('USAGE', `Expected one data set but received ${positionals.length}.`)
  }
  const classes = values.classes?.flatMap((names) => names.split(',')).map((name) => name.trim())
  const options: ReadOptions = {
    ...(values.problems === undefined ? {} : { problems: values.problems as 'skip' | 'keep' | 'fatal' }),
    ...defined({ images: values.images, split: values.split, classes }),
    signal: io.signal,
  }
  return { values, path, options }
}

function needOut(values: Values): string {
  if (values.out === undefined) {
    throw new BoxletError('USAGE', 'Expected --out for the result but received none.')
  }
  return values.out
}

export async function stats(args: string[], io: Io): Promise<ExitCode> {
  const { values, path, options } = await read(args, io)
  // Without a part named, the whole set is what a person wants to know about.
  const whole = /\.json$/i.test(path) ? options : { split: 'all', ...options }
  const dataset = await openDataset(path, whole)
  const line = progressLine(io, dataset.images.length, 'pictures')
  const damaged =
    values.check === false
      ? []
      : await checkPictures(dataset, (done) => line.update(done), io.signal).finally(() => line.clear())
  const list = new ProblemList(options.problems)
  for (const problem of damaged) {
    list.add(problem)
  }
  const problems = [...dataset.problems, ...damaged]
  const counted = datasetStats(dataset)
  const form =
    { json: statsJson, markdown: statsMarkdown, table: statsText }[
      values.format as 'json' | 'markdown' | 'table'
    ] ?? statsText
  io.stdout.write(form(counted, problems))
  return problems.length > 0 ? 1 : 0
}

export async function convert(args: string[], io: Io): Promise<ExitCode> {
  const { values, path, options } = await read(args, io)
  const out = needOut(values)
  if (values.to === undefined) {
    throw new BoxletError('USAGE', `Expected --to with one of ${FORMATS.join(', ')} but received none.`)
  }
  const parts = await openParts(path, options)
  return write(parts, values.to as DatasetFormat, out, values, io)
}

export async function split(args: string[], io: Io): Promise<ExitCode> {
  const { values, path, options } = await read(args, io)
  const out = needOut(values)
  const shares = parseShares(values.parts)
  const dataset = await openDataset(path, /\.json$/i.test(path) ? options : { split: 'all', ...options })
  const random = seededRandom(values.seed ?? 1)
  const ids = stratify(dataset, shares, random)
  const parts = shares.map(({ name }, i) => ({
    name,
    dataset: selectImages(dataset, ids[i]!, `${dataset.name} ${name}`),
  }))
  // Problems belong to the whole set and are told once.
  parts.slice(1).forEach((part) => {
    part.dataset.problems = []
  })
  return write(parts, (values.to as DatasetFormat | undefined) ?? dataset.format, out, values, io)
}

/** Thirds written with two digits are meant as thirds. */
const SUM_TOLERANCE = 0.015

function parseShares(text = 'train=0.8,val=0.1,test=0.1'): Share[] {
  const shares = text.split(',').map((part) => {
    const [, name, share] = /^\s*([\w-]+)\s*=\s*([\d.]+)\s*$/.exec(part) ?? []
    return { name: name ?? '', share: Number(share) }
  })
  const names = new Set(shares.map((share) => share.name))
  if (
    shares.some(({ name, share }) => name === '' || name === 'all' || !(share > 0)) ||
    names.size < shares.length
  ) {
    throw new BoxletError('USAGE', `Expected names and shares for --parts but received "${text}".`, {
      hint: 'For example: --parts train=0.8,val=0.1,test=0.1',
    })
  }
  const sum = shares.reduce((total, { share }) => total + share, 0)
  const areWeights = shares.every(({ share }) => Number.isInteger(share))
  if (!areWeights && Math.abs(sum - 1) > SUM_TOLERANCE) {
    throw new BoxletError(
      'USAGE',
      `Expected shares that sum to 1, or whole numbers, for --parts but received a sum of ${Number(sum.toFixed(3))}.`,
      { hint: 'For example: --parts train=0.8,val=0.1,test=0.1' },
    )
  }
  return shares
}

async function write(
  read: Part[],
  format: DatasetFormat,
  out: string,
  values: Values,
  io: Io,
): Promise<ExitCode> {
  const parts =
    values.pictures === 'none' ? read : await Promise.all(read.map((part) => present(part, values)))
  const problems = parts.flatMap((part) => part.dataset.problems)
  report(problems, io)
  const pictures = parts.reduce((sum, part) => sum + part.dataset.images.length, 0)
  const line = progressLine(io, pictures, 'pictures')
  const options: WriteOptions = {
    ...(values.pictures === undefined ? {} : { pictures: values.pictures as 'copy' | 'link' | 'none' }),
    ...defined({ force: values.force }),
    onProgress: (done) => line.update(done),
    signal: io.signal,
  }
  const written = await WRITERS[format](parts, out, options).finally(() => line.clear())
  io.stdout.write(summary(written, parts, out))
  return problems.length > 0 ? 1 : 0
}

const present = async ({ name, dataset }: Part, { problems }: Values): Promise<Part> => ({
  name,
  dataset: await withoutMissingPictures(
    dataset,
    (problems as 'skip' | 'keep' | 'fatal' | undefined) ?? 'skip',
  ),
})

function summary({ format, pictures, objects, losses }: Written, parts: Part[], out: string): string {
  const sizes = parts.map(({ name, dataset }) => `${name} ${dataset.images.length}`).join(', ')
  return [`${out}: ${pictures} pictures and ${objects} objects as ${format} (${sizes})`, ...losses, ''].join(
    '\n',
  )
}

function report(problems: readonly Problem[], io: Io): void {
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) {
    io.stderr.write(`${formatProblem(problem)}\n`)
  }
  if (problems.length > SHOWN_PROBLEMS) {
    io.stderr.write(
      `… and ${problems.length - SHOWN_PROBLEMS} problems more; boxlet dataset stats lists all\n`,
    )
  }
}

export async function view(args: string[], io: Io): Promise<ExitCode> {
  const { values, path, options } = await read(args, io)
  const out = needOut(values)
  const dataset = await openDataset(path, options)
  report(dataset.problems, io)
  const images = chooseImages(dataset, values)
  if (images.length === 0) {
    throw new BoxletError('DATASET_INVALID', 'Expected pictures to show but there are none.')
  }
  const html = await datasetPage(dataset, images)
  await writeFile(out, html).catch((cause: unknown) => {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a file that can be written at "${out}" but it cannot be.`,
      { cause },
    )
  })
  io.stderr.write(`boxlet: ${images.length} of ${dataset.images.length} pictures in ${out}\n`)
  return 0
}

function chooseImages(dataset: Dataset, values: Values): Dataset['images'] {
  const names = values.class?.flatMap((name) => name.split(','))
  const ids = new Set(dataset.categories.filter(({ name }) => names?.includes(name)).map(({ id }) => id))
  if (names !== undefined && ids.size === 0) {
    throw new BoxletError(
      'USAGE',
      `Expected a class of the data set for --class but received "${names.join(', ')}".`,
    )
  }
  const shown = new Set(
    dataset.annotations.filter(({ categoryId }) => ids.has(categoryId)).map(({ imageId }) => imageId),
  )
  const candidates = names === undefined ? dataset.images : dataset.images.filter(({ id }) => shown.has(id))
  const limit = values.limit ?? 60
  if (candidates.length <= limit) {
    return candidates
  }
  const chosen = new Set(shuffle(candidates, seededRandom(values.seed ?? 1)).slice(0, limit))
  return candidates.filter((image) => chosen.has(image))
}
