import { writeFile } from 'node:fs/promises'
import type { Dataset } from '../../datasets/dataset.ts'
import { openDataset } from '../../datasets/open.ts'
import { seededRandom } from '../../datasets/random.ts'
import { shuffle } from '../../datasets/split.ts'
import { BoxletError } from '../../errors.ts'
import { datasetPage } from '../../evaluate/report/dataset-page.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import {
  DATASET_EXITS,
  DATASET_INPUT,
  needOut,
  READ_OPTIONS,
  readOptions,
  report,
  SEED_OPTION,
} from './options.ts'

const OPTIONS = {
  ...READ_OPTIONS,
  limit: {
    type: 'number',
    says: 'most pictures on the page, spread over the set',
    group: 'Page',
    own: true,
    integer: true,
    min: 1,
    max: 5000,
    default: 60,
  },
  class: {
    type: 'string',
    says: 'only pictures with this class',
    group: 'Page',
    value: 'NAME',
    own: true,
    multiple: true,
  },
  seed: { ...SEED_OPTION, group: 'Page' },
  out: {
    type: 'string',
    says: 'page to write',
    group: 'Page',
    value: 'FILE.html',
    short: 'o',
    own: true,
    completes: 'file',
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'dataset view',
  summary: 'Write pictures with their labels as one page.',
  inputs: DATASET_INPUT,
  options: OPTIONS,
  exits: DATASET_EXITS,
  examples: ['boxlet dataset view fridge-voc --split test --out look.html'],
  alsoKnownAs: ['show'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const out = needOut(values.out)
  const dataset = await openDataset(inputs[0]!, readOptions(values, io))
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

function chooseImages(dataset: Dataset, values: Settings<typeof OPTIONS>): Dataset['images'] {
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
  const { limit } = values
  if (candidates.length <= limit) {
    return candidates
  }
  const chosen = new Set(shuffle(candidates, seededRandom(values.seed)).slice(0, limit))
  return candidates.filter((image) => chosen.has(image))
}
