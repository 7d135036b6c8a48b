import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Dataset, ReadOptions } from '../datasets/dataset.ts'
import { openDataset } from '../datasets/open.ts'
import { formatProblem, type Problem } from '../datasets/problem.ts'
import type { DetectOptions } from '../detector-types.ts'
import { BoxletError, toBoxletError } from '../errors.ts'
import { type Evaluation, evaluate } from '../evaluate/evaluation.ts'
import { labelsByCategory, mapLabels, parseRenames, toPredictions } from '../evaluate/label-map.ts'
import { readCocoResults } from '../evaluate/predictions.ts'
import { ResultCache } from '../evaluate/result-cache.ts'
import { runDataset } from '../evaluate/run-dataset.ts'
import { openModel, type Subject } from '../evaluate/subject.ts'
import { cacheFolder } from '../model/store-cache.ts'
import { defaultThreads } from '../runtime/processors.ts'
import { type OptionSpec, readSettings, type Settings } from './config.ts'
import { storeProgress } from './download-progress.ts'
import { writeResults } from './eval-output.ts'
import { MODEL_OPTIONS, modelOptions } from './model-options.ts'
import { progressLine } from './progress.ts'
import type { ExitCode, Io } from './verb.ts'

export const EVAL_OPTIONS = {
  ...MODEL_OPTIONS,
  data: { type: 'string', short: 'd' },
  split: { type: 'string' },
  images: { type: 'string' },
  problems: { type: 'string', choices: ['skip', 'keep', 'fatal'] },
  limit: { type: 'number', integer: true, min: 1 },
  map: { type: 'string' },
  'min-score': { type: 'number', min: 0, max: 1 },
  iou: { type: 'number', min: 0, max: 1 },
  max: { type: 'number', integer: true, min: 1, max: 100_000 },
  jobs: { type: 'number', integer: true, min: 1, max: 256 },
  cache: { type: 'boolean' },
  fresh: { type: 'boolean' },
  detections: { type: 'string', multiple: true },
  endpoint: { type: 'string', multiple: true },
  'api-key': { type: 'string' },
  rekognition: { type: 'boolean' },
  'rekognition-model': { type: 'string' },
  region: { type: 'string' },
  format: { type: 'string', choices: ['table', 'json', 'markdown'] },
  out: { type: 'string', short: 'o' },
  worst: { type: 'number', integer: true, min: 0, max: 1000 },
  resamples: { type: 'number', integer: true, min: 10, max: 100_000 },
  'write-thresholds': { type: 'string' },
} as const satisfies Record<string, OptionSpec>
export type EvalSettings = Settings<typeof EVAL_OPTIONS>

/** Low enough for the whole precision–recall curve, as the field measures. */
const MIN_SCORE = 0.001
const MAX_DETECTIONS = 300
/** Problems told one by one on the terminal; the reports list them all. */
const SHOWN_PROBLEMS = 20

/** One that is measured: opened only when its turn comes, so that two models are never in memory at once. */
interface Candidate {
  name: string
  open(dataset: Dataset): Promise<Subject>
}

export async function runEval(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('eval', args, EVAL_OPTIONS, io.env)
  if (values.data === undefined)
    throw new BoxletError('USAGE', 'Expected a labelled data set but received none.', {
      hint: 'Name it with --data: a COCO .json, a VOC folder or a YOLO data.yaml.',
    })
  const candidates = await listCandidates(values, positionals, io)
  const files = values.detections ?? []
  if (candidates.length + files.length === 0)
    throw new BoxletError('USAGE', 'Expected a model to measure but received none.', {
      hint: 'For example: boxlet eval yolov8n --data DATASET',
    })
  const dataset = await readDataset(values, io)
  const failed: { name: string; error: BoxletError }[] = []
  const evaluations: Evaluation[] = []
  let stopped = false
  for (const file of files) evaluations.push(await evaluateFile(file, dataset, values))
  for (const candidate of candidates) {
    try {
      const result = await evaluateCandidate(candidate, dataset, values, io)
      evaluations.push(result.evaluation)
      stopped = result.stopped
      if (stopped) break
    } catch (error) {
      const known = toBoxletError(error)
      // One of many models may be unusable; the only one, or a mistake of the caller, is told as an error.
      if (candidates.length + files.length === 1 || known.kind === 'usage') throw error
      failed.push({ name: candidate.name, error: known })
      io.stderr.write(`boxlet: ${candidate.name}: ${known.message} [${known.code}]\n`)
    }
  }
  if (evaluations.length === 0) return 3
  await writeResults(evaluations, failed, dataset, values, io)
  return stopped || failed.length > 0 || evaluations.some((entry) => entry.problems.some(isPicture)) ? 1 : 0
}

/** A picture that could not be measured makes the result partial; a bad annotation does not. */
const isPicture = ({ kind }: Problem): boolean =>
  kind === 'picture-truncated' || kind === 'picture-unreadable' || kind === 'picture-missing'

async function readDataset(values: EvalSettings, io: Io): Promise<Dataset> {
  const options: ReadOptions = {
    ...(values.problems === undefined ? {} : { problems: values.problems as 'skip' | 'keep' | 'fatal' }),
    ...(values.images === undefined ? {} : { images: values.images }),
    ...(values.split === undefined ? {} : { split: values.split }),
    signal: io.signal,
  }
  const dataset = await openDataset(values.data!, options)
  for (const problem of dataset.problems.slice(0, SHOWN_PROBLEMS))
    io.stderr.write(`${formatProblem(problem)}\n`)
  if (dataset.problems.length > SHOWN_PROBLEMS)
    io.stderr.write(
      `… and ${dataset.problems.length - SHOWN_PROBLEMS} problems more; boxlet dataset stats lists all\n`,
    )
  const images = dataset.images.slice(0, values.limit)
  if (images.length === 0)
    throw new BoxletError('DATASET_INVALID', 'Expected pictures in the data set but there are none.')
  return withImages(dataset, images)
}

function withImages(dataset: Dataset, images: Dataset['images']): Dataset {
  if (images.length === dataset.images.length) return dataset
  const ids = new Set(images.map((image) => image.id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}

async function listCandidates(values: EvalSettings, positionals: string[], io: Io): Promise<Candidate[]> {
  const models = [...positionals, ...(values.model === undefined ? [] : [values.model])]
  const load = await modelOptions(values)
  const jobs = values.jobs ?? defaultThreads(io.env)
  const release = await releaseName()
  const candidates: Candidate[] = models.map((model) => ({
    name: model,
    async open(dataset) {
      const store = storeProgress(io)
      const options = { ...load, onProgress: store.onProgress, onNotice: store.onNotice, signal: io.signal }
      const set = { jobs, pictures: dataset.images.length, release }
      return openModel(model, { load: withoutUndefined(options), ...set }).finally(() => store.end())
    },
  }))
  for (const url of values.endpoint ?? []) {
    const { openEndpoint } = await import('../evaluate/endpoint-subject.ts')
    const apiKey = values['api-key'] ?? io.env.BOXLET_API_KEY
    const subject = openEndpoint({ url, ...(apiKey === undefined ? {} : { apiKey }) })
    candidates.push({ name: subject.info.name, open: async () => subject })
  }
  if (values.rekognition || values['rekognition-model'] !== undefined) {
    const { openRekognition } = await import('../evaluate/rekognition-subject.ts')
    const project = values['rekognition-model']
    const options = {
      ...(project === undefined ? {} : { project }),
      ...(values.region === undefined ? {} : { region: values.region }),
    }
    candidates.push({ name: 'Amazon Rekognition', open: () => openRekognition(options) })
  }
  return candidates
}

const withoutUndefined = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never

/**
 * Version and build: results kept from before are only used when the code that made them is the same. The time
 * of the compiled detector stands for the build in a checkout; a published package has one per version.
 */
async function releaseName(): Promise<string> {
  const root = fileURLToPath(new URL('../../package.json', import.meta.url))
  const version = String((JSON.parse(await readFile(root, 'utf8')) as { version: unknown }).version)
  const detector = new URL('../detector.js', import.meta.url)
  const built = await stat(detector).then(
    (info) => info.mtimeMs,
    () => 0,
  )
  return `${version}+${Math.round(built)}`
}

async function evaluateCandidate(
  candidate: Candidate,
  dataset: Dataset,
  values: EvalSettings,
  io: Io,
): Promise<{ evaluation: Evaluation; stopped: boolean }> {
  await using subject = await candidate.open(dataset)
  const renames = values.map === undefined ? {} : parseRenames(await readFile(values.map, 'utf8'), values.map)
  // A wrong label file is told before hours of detection, not after.
  if (subject.labels.length > 0) mapLabels(subject.labels, dataset.categories, renames)
  const detect: DetectOptions = {
    minScore: values['min-score'] ?? MIN_SCORE,
    maxDetections: values.max ?? MAX_DETECTIONS,
    everyClass: true,
    ...(values.iou === undefined ? {} : { iou: values.iou }),
  }
  const key = subject.cacheKey(detect)
  const folder = join(cacheFolder(io.env), 'evaluations')
  const cache =
    key === undefined || values.cache === false
      ? undefined
      : await ResultCache.open(folder, key, values.fresh ?? false)
  const started = performance.now()
  const line = progressLine(io, dataset.images.length, 'pictures')
  const run = await runDataset(dataset, subject, {
    detect,
    labels: subject.labels,
    inFlight: subject.inFlight,
    ...(cache === undefined ? {} : { cache }),
    ...(values.problems === undefined ? {} : { problems: values.problems as 'skip' | 'keep' | 'fatal' }),
    onProgress: (done) => line.update(done),
    signal: io.signal,
  }).finally(() => line.clear())
  for (const problem of run.problems.slice(0, SHOWN_PROBLEMS)) io.stderr.write(`${formatProblem(problem)}\n`)
  if (run.results.length === 0)
    throw new BoxletError(
      'DATASET_INVALID',
      'Expected at least one picture that can be read but there is none.',
    )
  if (run.stopped)
    io.stderr.write(
      `boxlet: stopped after ${run.results.length} of ${dataset.images.length} pictures, which are measured here;${cache === undefined ? '' : ' the same command goes on from there'}\n`,
    )
  const measured = withImages(
    dataset,
    run.results.map((result) => result.image),
  )
  const labels = subject.labels.length > 0 ? subject.labels : seenLabels(run.results)
  const map = mapLabels(labels, dataset.categories, renames)
  const evaluation = evaluate(measured, toPredictions(run.results, map), {
    subject: subject.info,
    detect,
    results: run.results,
    seconds: (performance.now() - started) / 1000,
    jobs: subject.jobs,
    problems: run.problems,
    unusedLabels: map.unusedLabels,
    missingCategories: map.missingCategories,
  })
  if (subject.model !== undefined) evaluation.contract = subject.model.contract
  evaluation.labelOf = labelsByCategory(map)
  return { evaluation, stopped: run.stopped }
}

const seenLabels = (results: readonly { detections: readonly { label: string }[] }[]): string[] => [
  ...new Set(results.flatMap((result) => result.detections.map((detection) => detection.label))),
]

async function evaluateFile(file: string, dataset: Dataset, values: EvalSettings): Promise<Evaluation> {
  const subject = { name: basename(file).replace(/\.json$/i, ''), kind: 'results' as const }
  const detect = values['min-score'] === undefined ? {} : { minScore: values['min-score'] }
  const predictions = await readCocoResults(file)
  const kept = predictions.filter(({ score }) => score >= (values['min-score'] ?? 0))
  return evaluate(dataset, kept, { subject, detect })
}
