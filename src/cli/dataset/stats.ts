import { checkPictures } from '../../datasets/check-pictures.ts'
import { ProblemList } from '../../datasets/problem.ts'
import { datasetStats } from '../../datasets/stats.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { progressLine } from '../kit/progress.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { DATASET_EXITS, DATASET_INPUT, openWhole, READ_OPTIONS, readOptions } from './options.ts'
import { statsJson, statsMarkdown, statsText } from './stats-text.ts'

const OPTIONS = {
  ...READ_OPTIONS,
  split: { ...READ_OPTIONS.split, otherwise: 'all' },
  check: {
    type: 'boolean',
    says: 'do not decode the pictures to find damaged ones',
    group: 'Data',
    negation: 'no',
    default: true,
  },
  format: { ...FORMAT_OPTION, choices: ['table', 'json', 'markdown'], default: 'table' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'dataset stats',
  summary: 'Count classes, sizes and pictures, and list what is wrong, with file and line.',
  inputs: DATASET_INPUT,
  options: OPTIONS,
  exits: DATASET_EXITS,
  examples: ['boxlet dataset stats fridge-voc', 'boxlet dataset stats coco.json --format markdown'],
  alsoKnownAs: ['info', 'check'],
  run,
})

const FORMS = { json: statsJson, markdown: statsMarkdown, table: statsText }

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const options = readOptions(values, io)
  const dataset = await openWhole(inputs[0]!, options)
  const line = progressLine(io, dataset.images.length, 'pictures')
  const damaged = values.check
    ? await checkPictures(dataset, (done) => line.update(done), io.signal).finally(() => line.clear())
    : []
  const list = new ProblemList(options.problems)
  for (const problem of damaged) {
    list.add(problem)
  }
  const problems = [...dataset.problems, ...damaged]
  io.stdout.write(FORMS[values.format](datasetStats(dataset), problems, dataset.notes))
  return problems.length > 0 ? 1 : 0
}
