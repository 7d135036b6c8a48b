import { Detector } from '../detector/detector.ts'
import type { DetectOptions, DetectorLike, LoadOptions, ModelInfo } from '../detector/types.ts'
import { DetectorPool } from '../pool/detector-pool.ts'
import type { SubjectInfo } from './evaluation.ts'
import { cacheKey } from './result-cache.ts'
import type { Finder } from './run-dataset.ts'

/** Who is measured, ready to be asked. */
export interface Subject extends Finder, AsyncDisposable {
  info: SubjectInfo
  /** Index is the class id; empty when only the answers tell. */
  labels: readonly (string | null)[]
  /** Pictures in work at once. */
  inFlight: number
  /** Model runs or requests at once. */
  jobs: number
  /** Name for kept results; undefined where the same picture may give another answer tomorrow. */
  cacheKey(options: DetectOptions): string | undefined
  /** Local models only: the whole story of the file. */
  model?: ModelInfo
}

/** Pictures below which loading a model once more costs more than it saves. */
const PICTURES_PER_WORKER = 16
/** While one picture runs, the next ones are read and decoded by other threads. */
const READ_AHEAD = 2

export interface ModelSubjectOptions {
  load: LoadOptions
  /** Detectors at once; each has one thread unless `load` says otherwise. */
  jobs: number
  /** Pictures to come. */
  pictures: number
  /** Names the code, as part of the name of kept results. */
  release: string
}

/** Opens a model file or name, as often as the processors and the number of pictures make it worth. */
export async function openModel(model: string, options: ModelSubjectOptions): Promise<Subject> {
  // Results of the graph as it is and of the faster one differ in the last digits.
  const release = options.load.asIs === true ? `${options.release} as-is` : options.release
  const jobs = Math.max(1, Math.min(options.jobs, Math.ceil(options.pictures / PICTURES_PER_WORKER)))
  if (jobs === 1) {
    return subjectOf(await Detector.load(model, options.load), 1, release)
  }
  return subjectOf(await DetectorPool.open(model, { ...options.load, workers: jobs }), jobs, release)
}

function subjectOf(detector: DetectorLike, jobs: number, release: string): Subject {
  const { model } = detector
  return {
    info: {
      name: model.name,
      kind: 'model',
      family: model.family,
      sha256: model.sha256,
      ...(model.licence === null ? {} : { licence: model.licence }),
    },
    labels: model.contract.labels,
    jobs,
    inFlight: jobs + READ_AHEAD,
    model,
    detect: (image, options) => detector.detect(image, options),
    cacheKey: (options) => cacheKey(model, options, release),
    [Symbol.asyncDispose]: () => detector.dispose(),
  }
}
