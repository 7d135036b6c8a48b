import { selectImages } from '../../datasets/dataset.ts'
import { seededRandom } from '../../datasets/random.ts'
import { type Share, stratify } from '../../datasets/split.ts'
import { BoxletError } from '../../errors.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { DATASET_EXITS, DATASET_INPUT, needOut, openWhole, readOptions, SEED_OPTION } from './options.ts'
import { WRITE_OPTIONS, writeParts } from './write.ts'

const OPTIONS = {
  ...WRITE_OPTIONS,
  to: { ...WRITE_OPTIONS.to, otherwise: 'the format of the set' },
  parts: {
    type: 'string',
    says: 'names and shares of the parts',
    group: 'Division',
    value: 'P',
    default: 'train=0.8,val=0.1,test=0.1',
    alsoKnownAs: ['ratio', 'ratios'],
  },
  seed: { ...SEED_OPTION, group: 'Division' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'dataset split',
  summary: 'Divide a set so that every class keeps its share in each part.',
  inputs: DATASET_INPUT,
  options: OPTIONS,
  exits: DATASET_EXITS,
  examples: ['boxlet dataset split fridge.json --parts train=0.7,val=0.15,test=0.15 --out fridge-parts'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const out = needOut(values.out)
  const shares = parseShares(values.parts)
  const dataset = await openWhole(inputs[0]!, readOptions(values, io))
  const ids = stratify(dataset, shares, seededRandom(values.seed))
  const parts = shares.map(({ name }, i) => ({
    name,
    dataset: selectImages(dataset, ids[i]!, `${dataset.name} ${name}`),
  }))
  // Problems belong to the whole set and are reported once.
  parts.slice(1).forEach((part) => {
    part.dataset.problems = []
  })
  return writeParts(parts, values.to ?? dataset.format, out, values, io)
}

/** Thirds written with two digits are meant as thirds. */
const SUM_TOLERANCE = 0.015

function parseShares(text: string): Share[] {
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
