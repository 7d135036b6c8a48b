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
import { DETECTION_OPTIONS } from '../kit/detection-options.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'

const DATA = 'Data'
const SERVICES = 'Instead of, or beside, a model'

/** Options of the verbs that read a labelled set. */
export const DATASET_OPTIONS = {
  split: {
    type: 'string',
    says: 'part of a VOC or YOLO set: train, val, test, all',
    group: DATA,
    value: 'NAME',
    otherwise: 'test, else val, else all',
  },
  images: {
    type: 'string',
    says: 'folder of the pictures, if they are not beside the annotations',
    group: DATA,
    value: 'DIR',
    completes: 'folder',
  },
  problems: {
    type: 'string',
    says: 'bad annotations and pictures',
    group: DATA,
    value: 'P',
    choices: ['skip', 'keep', 'fatal'],
    otherwise: 'skip',
  },
} as const satisfies Options

/** Options of the verbs that run models over many pictures: `eval` and `diff`. */
export const SUBJECT_OPTIONS = {
  images: DATASET_OPTIONS.images,
  problems: DATASET_OPTIONS.problems,
  limit: {
    type: 'number',
    says: 'only the first N pictures',
    group: DATA,
    own: true,
    integer: true,
    min: 1,
  },
  map: {
    type: 'string',
    says: 'JSON object from labels of the model to classes of the data set; null leaves a label out',
    group: DATA,
    value: 'FILE',
    completes: 'file',
  },
  ...MODEL_OPTIONS,
  threads: { ...MODEL_OPTIONS.threads, otherwise: '1, or all where one model runs' },
  'min-score': DETECTION_OPTIONS['min-score'],
  iou: DETECTION_OPTIONS.iou,
  max: DETECTION_OPTIONS.max,
  jobs: {
    type: 'number',
    says: 'pictures run at once, each with its own copy of the model',
    group: 'Running',
    integer: true,
    min: 1,
    max: 256,
    otherwise: 'as many as the process may use',
    alsoKnownAs: ['workers'],
  },
  reuse: {
    type: 'boolean',
    says: 'neither use stored results nor store new ones',
    group: 'Running',
    negation: 'no',
  },
  fresh: { type: 'boolean', says: 'measure again, and store the results', group: 'Running' },
  endpoint: {
    type: 'string',
    says: 'a deployed Boxlet service',
    group: SERVICES,
    value: 'URL',
    multiple: true,
  },
  'api-key': {
    type: 'string',
    says: 'key for that service',
    group: SERVICES,
    value: 'KEY',
    otherwise: 'BOXLET_API_KEY',
  },
  rekognition: { type: 'boolean', says: 'DetectLabels of your AWS account', group: SERVICES },
  'rekognition-model': {
    type: 'string',
    says: 'a model of Rekognition Custom Labels',
    group: SERVICES,
    value: 'ARN',
  },
  'rekognition-price': {
    type: 'number',
    says: 'dollars a picture, for the comparison of costs',
    group: SERVICES,
    value: 'D',
    min: 0,
    default: PRICES.rekognition.image[0].price,
  },
  region: {
    type: 'string',
    says: 'AWS region of Rekognition',
    group: SERVICES,
    value: 'R',
    otherwise: "AWS_REGION or the profile's",
  },
  format: {
    ...FORMAT_OPTION,
    choices: ['table', 'json', 'markdown'],
    default: 'table',
  },
  out: {
    type: 'string',
    says: 'folder for the report',
    group: 'Output',
    value: 'DIR',
    short: 'o',
    own: true,
    completes: 'folder',
    alsoKnownAs: ['output', 'project', 'report'],
  },
  worst: {
    type: 'number',
    says: 'number of worst pictures in the report',
    group: 'Output',
    integer: true,
    min: 0,
    max: 1000,
    default: 24,
  },
} as const satisfies Options
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

/** Whether masks or points of the model can be measured on the data set. */
const hasShapes = ({ model }: Subject, { annotations }: Dataset): boolean =>
  (model?.contract.task === 'segment' &&
    annotations.some(({ segmentation }) => segmentation !== undefined)) ||
  (model?.contract.task === 'pose' && annotations.some(({ extra }) => extra?.keypoints !== undefined))

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
    ...defined({ problems: values.problems }),
    shapes: hasShapes(subject, dataset),
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
    io.stderr.write(`… and ${problems.length - SHOWN_PROBLEMS} more problems\n`)
  }
}

/** List prices, with the user's own for a Rekognition picture where one is given. */
export const switchingPrices = (values: SubjectSettings): SwitchingPrices => ({
  rekognitionPicture: values['rekognition-price'],
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
