import { ASSUMED, compareCosts, type Estimate, type Workload, warmMsAt } from '../aws/cost/estimate.ts'
import { PRICES } from '../aws/cost/prices.ts'
import { DEFAULT_MEMORY_MB } from '../aws/template/parameters.ts'
import { optionsAlone } from './deploy/stack-name.ts'
import { readSettings } from './kit/config.ts'
import type { ExitCode, Io, Verb } from './kit/verb.ts'

const OPTIONS = {
  'images-per-month': { type: 'number', integer: true, min: 1, max: 1e12 },
  memory: { type: 'number', integer: true, min: 128, max: 10_240 },
  'warm-ms': { type: 'number', min: 1, max: 900_000 },
  'cold-ms': { type: 'number', min: 0, max: 900_000 },
  'cold-share': { type: 'number', min: 0, max: 1 },
  'answer-bytes': { type: 'number', integer: true, min: 0, max: 200e6 },
  'http-api': { type: 'boolean' },
  watch: { type: 'string', choices: ['full', 'none'] },
  'free-tier': { type: 'boolean' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

const DEFAULT_IMAGES = 1_000_000
const DEFAULT_COLD_SHARE = 0.02

export const verb: Verb = {
  name: 'cost',
  summary: 'Compare what a month costs: Lambda, Rekognition, an always-on machine.',
  help: `boxlet cost [options]

  --images-per-month N  pictures in a month (default ${DEFAULT_IMAGES})
  --memory MB           memory of the function (default ${DEFAULT_MEMORY_MB})
  --warm-ms T           billed time of a warm request (default: assumed for yolov8n, scaled to the memory)
  --cold-ms T           what a cold start adds (default: assumed, scaled to the memory)
  --cold-share S        share of requests that start an environment, 0-1 (default ${DEFAULT_COLD_SHARE})
  --answer-bytes B      bytes of an answer (default ${ASSUMED.answerBytes}; an annotated picture has some 200000)
  --http-api            requests come through API Gateway
  --watch W             full: counts alarms and dashboard; none: a stack without them (default full)
  --free-tier           counts the monthly free tiers
  --format F            text | json (default text)

"boxlet tune" measures the times for your model. Prices: ${PRICES.region}, ${PRICES.asOf}.

Examples
  boxlet cost --images-per-month 1000000
  boxlet cost --images-per-month 50000 --memory 1024 --free-tier
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('cost', args, OPTIONS, io.env)
  optionsAlone('cost', positionals, 'Name the number of pictures with --images-per-month.')
  const memoryMb = values.memory ?? DEFAULT_MEMORY_MB
  const load: Workload = {
    imagesPerMonth: values['images-per-month'] ?? DEFAULT_IMAGES,
    memoryMb,
    warmMs: values['warm-ms'] ?? warmMsAt(memoryMb),
    coldMs: values['cold-ms'] ?? warmMsAt(memoryMb, ASSUMED.coldMs),
    coldShare: values['cold-share'] ?? DEFAULT_COLD_SHARE,
    answerBytes: values['answer-bytes'] ?? ASSUMED.answerBytes,
    logBytes: ASSUMED.logBytes,
    httpApi: values['http-api'] ?? false,
    watch: values.watch === 'none' ? 'none' : 'full',
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
