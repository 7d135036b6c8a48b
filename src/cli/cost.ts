import { ASSUMED, compareCosts, type Estimate, type Workload, warmMsAt } from '../aws/cost/estimate.ts'
import { PRICES } from '../aws/cost/prices.ts'
import { DEFAULT_MEMORY_MB } from '../aws/template/parameters.ts'
import { MEMORY_OPTION } from './deploy/settings.ts'
import { FORMAT_OPTION } from './kit/format-option.ts'
import type { Options } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  'images-per-month': {
    type: 'number',
    says: 'pictures in a month',
    integer: true,
    min: 1,
    max: 1e12,
    default: 1_000_000,
  },
  memory: { ...MEMORY_OPTION, default: DEFAULT_MEMORY_MB, group: 'Options' },
  'warm-ms': {
    type: 'number',
    says: 'billed milliseconds of a warm request',
    value: 'T',
    min: 1,
    max: 900_000,
    otherwise: 'assumed for yolov8n, scaled to the memory',
  },
  'cold-ms': {
    type: 'number',
    says: 'milliseconds added by a cold start',
    value: 'T',
    min: 0,
    max: 900_000,
    otherwise: 'assumed, scaled to the memory',
  },
  'cold-share': {
    type: 'number',
    says: 'share of requests that start an environment',
    value: 'S',
    min: 0,
    max: 1,
    default: 0.02,
  },
  'answer-bytes': {
    type: 'number',
    says: 'bytes of an answer; an annotated picture has about 200000',
    value: 'B',
    integer: true,
    min: 0,
    max: 200e6,
    default: ASSUMED.answerBytes,
  },
  'http-api': { type: 'boolean', says: 'requests come through API Gateway' },
  watch: {
    type: 'string',
    says: 'what watches the stack',
    value: 'W',
    choices: { full: 'alarms and a dashboard, billed by the month', none: 'neither' },
    default: 'full',
  },
  'free-tier': { type: 'boolean', says: 'count the monthly free tiers' },
  format: { ...FORMAT_OPTION, group: 'Options' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'cost',
  summary: 'Compare what a month costs: Lambda, Rekognition, an always-on machine.',
  about: `Estimates based on list prices of ${PRICES.region}, ${PRICES.asOf}. "boxlet tune" measures the times for
    your model.`,
  hint: 'Name the number of pictures with --images-per-month.',
  options: OPTIONS,
  examples: [
    'boxlet cost --images-per-month 1000000',
    'boxlet cost --images-per-month 50000 --memory 1024 --free-tier',
  ],
  alsoKnownAs: ['price', 'pricing', 'estimate'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const memoryMb = values.memory
  const load: Workload = {
    imagesPerMonth: values['images-per-month'],
    memoryMb,
    warmMs: values['warm-ms'] ?? warmMsAt(memoryMb),
    coldMs: values['cold-ms'] ?? warmMsAt(memoryMb, ASSUMED.coldMs),
    coldShare: values['cold-share'],
    answerBytes: values['answer-bytes'],
    logBytes: ASSUMED.logBytes,
    httpApi: values['http-api'] ?? false,
    watch: values.watch,
    freeTier: values['free-tier'] ?? false,
  }
  const estimates = compareCosts(load)
  const text =
    values.format === 'json'
      ? `${JSON.stringify({ prices: { asOf: PRICES.asOf, region: PRICES.region }, load, estimates }, null, 2)}\n`
      : table(load, estimates)
  io.stdout.write(text)
  return 0
}

function table(load: Workload, estimates: readonly Estimate[]): string {
  const width = Math.max(...estimates.map(({ name }) => name.length))
  const lines = estimates.flatMap(({ name, dollars, imagesPerDollar, lines: parts, note }) => {
    const head = `${name.padEnd(width)}  ${money(dollars).padStart(12)}  ${count(imagesPerDollar).padStart(12)} images per dollar`
    const shown = parts.filter((part) => part.dollars >= 0.005)
    const text = shown.map((part) => `${part.what} ${money(part.dollars)}`).join(', ')
    const all = `${text}${note === undefined ? '' : ` (${note})`}`.trim()
    return all === '' ? [head] : [head, `${' '.repeat(width)}  ${all}`]
  })
  return `${[
    `${count(load.imagesPerMonth)} images a month, ${Math.round(load.warmMs)} ms warm, ${Math.round(load.coldMs)} ms more when cold (${(load.coldShare * 100).toFixed(1)} %)`,
    `List prices of ${PRICES.region}, ${PRICES.asOf}${load.freeTier ? ', after the monthly free tiers' : ', free tiers not counted'}`,
    '',
    ...lines,
  ].join('\n')}\n`
}

const money = (dollars: number): string =>
  `$${dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
const count = (number: number): string =>
  Number.isFinite(number) ? Math.round(number).toLocaleString('en-US') : 'any number of'
