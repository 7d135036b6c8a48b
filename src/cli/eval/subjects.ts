import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PRICES } from '../../aws/cost/prices.ts'
import type { Dataset } from '../../datasets/dataset.ts'
import { formatProblem, type Problem } from '../../datasets/problem.ts'
import type { DetectOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { engineFingerprint } from '../../evaluate/engine-fingerprint.ts'
import { parseRenames } from '../../evaluate/label-map.ts'
import { ResultCache } from '../../evaluate/result-cache.ts'
import { type DatasetRun, runDataset } from '../../evaluate/run-dataset.ts'
import { openModel, type Subject } from '../../evaluate/subject.ts'
import type { SwitchingPrices } from '../../evaluate/switching.ts'
import { defaultThreads } from '../../runtime/processors.ts'
import { cacheFolder } from '../../store/cache.ts'
import { defined } from '../../system/defined.ts'
import type { OptionSpec, Settings } from '../kit/config.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'

/** Options of the verbs that run models over many pictures: `eval` and `diff`. */
export const SUBJECT_OPTIONS = {
  ...MODEL_OPTIONS,
  images: { type: 'string' },
  problems: { type: 'string', choices: ['skip', 'keep', 'fatal'] },
  limit: { type: 'number', integer: true, min: 1 },
  map: { type: 'string' },
  'min-score': { type: 'number', min: 0, max: 1 },
  iou: { type: 'number', min: 0, max: 1 },
  max: { type: 'number', integer: true, min: 1, max: 100_000 },
  jobs: { type: 'number', integer: true, min: 1, max: 256 },
  reuse: { type: 'boolean' },
  fresh: { type: 'boolean' },
  endpoint: { type: 'string', multiple: true },
  'api-key': { type: 'string' },
  rekognition: { type: 'boolean' },
  'rekognition-model': { type: 'string' },
  'rekognition-price': { type: 'number', min: 0 },
  region: { type: 'string' },
  format: { type: 'string', own: true, choices: ['table', 'json', 'markdown'] },
  out: { type: 'string', own: true, short: 'o' },
  worst: { type: 'number', integer: true, min: 0, max: 1000 },
} as const satisfies Record<string, OptionSpec>
export type SubjectSettings = Settings<typeof SUBJECT_OPTIONS>

/** Problems told one by one on the terminal; the reports list them all. */
const SHOWN_PROBLEMS = 20

/** One that is measured: opened only when its turn comes, so that two models are never in memory at once. */
export interface Candidate {
  name: string
  open(dataset: Dataset): Promise<Subject>
}

/** Models, services and accounts that the arguments name, in this order. */
export async function listCandidates(
  values: SubjectSettings,
  positionals: string[],
  io: Io,
): Promise<Candidate[]> {
  const models = [...positionals, ...(values.model === undefined ? [] : [values.model])]
  const load = await modelOptions(values)
  const jobs = values.jobs ?? Math.max(1, Math.floor(defaultThreads(io.env) / (values.threads ?? 1)))
  const release = await engineFingerprint()
  const candidates: Candidate[] = models.map((model) => ({
    name: model,
    async open(dataset) {
      const { onProgress, onNotice, end } = storeProgress(io)
      const options = {
        ...load,
        ...defined({ onProgress, onNotice }),
        signal: io.signal,
      }
      return openModel(model, { load: options, jobs, pictures: dataset.images.length, release }).finally(end)
    },
  }))
  for (const url of values.endpoint ?? []) {
    const { openEndpoint } = await import('../../evaluate/endpoint-subject.ts')
    const apiKey = values['api-key'] ?? io.env.BOXLET_API_KEY
    const subject = openEndpoint({ url, ...defined({ apiKey }) })
    candidates.push({ name: subject.info.name, open: async () => subject })
  }
  if (values.rekognition || values['rekognition-model'] !== undefined) {
    const { openRekognition } = await import('../../evaluate/rekognition-subject.ts')
    const project = values['rekognition-model']
    const options = {
      ...defined({ project, region: values.region }),
    }
    candidates.push({ name: 'Amazon Rekognition', open: () => openRekognition(options) })
  }
  return candidates
}

/** Runs a subject over all pictures, with progress, kept results and a stop that loses nothing. */
export async function runSubject(
  subject: Subject,
  dataset: Dataset,
  detect: DetectOptions,
  values: SubjectSettings,
  io: Io,
): Promise<DatasetRun & { seconds: number }> {
  const key = subject.cacheKey(detect)
  const folder = join(cacheFolder(io.env), 'evaluations')
  const cache =
    key === undefined || values.reuse === false
      ? undefined
      : await ResultCache.open(folder, key, values.fresh ?? false)
  const started = performance.now()
  const line = progressLine(io, dataset.images.length, 'pictures')
  const run = await runDataset(dataset, subject, {
    detect,
    labels: subject.labels,
    inFlight: subject.inFlight,
    ...defined({ cache }),
    ...(values.problems === undefined ? {} : { problems: values.problems as 'skip' | 'keep' | 'fatal' }),
    onProgress: (done) => line.update(done),
    signal: io.signal,
  }).finally(() => line.clear())
  tellProblems(run.problems, io)
  if (run.results.length === 0) {
    throw run.stopped
      ? new BoxletError(
          'ABORTED',
          'Expected the work to finish but it was cancelled before the first picture.',
        )
      : new BoxletError(
          'DATASET_INVALID',
          'Expected at least one picture that can be read but there is none.',
        )
  }
  if (run.stopped) {
    const goesOn = cache === undefined ? '' : '; the same command goes on from there'
    io.stderr.write(
      `boxlet: stopped after ${run.results.length} of ${dataset.images.length} pictures${goesOn}\n`,
    )
  }
  return { ...run, seconds: (performance.now() - started) / 1000 }
}

export function tellProblems(problems: readonly Problem[], io: Io): void {
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) {
    io.stderr.write(`${formatProblem(problem)}\n`)
  }
  if (problems.length > SHOWN_PROBLEMS) {
    io.stderr.write(`… and ${problems.length - SHOWN_PROBLEMS} problems more\n`)
  }
}

/** List prices, with the user's own for a Rekognition picture where one is given. */
export const switchingPrices = (values: SubjectSettings): SwitchingPrices => ({
  rekognitionPicture: values['rekognition-price'] ?? PRICES.rekognition.image[0].price,
  lambdaGbSecond: PRICES.lambda.duration.arm64[0].price,
  lambdaRequest: PRICES.lambda.request,
})

export async function readRenames(path: string | undefined): Promise<Record<string, string | null>> {
  if (path === undefined) {
    return {}
  }
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BoxletError('USAGE', `Expected a readable file for --map but "${path}" is not.`, { cause })
  })
  return parseRenames(text, path)
}
