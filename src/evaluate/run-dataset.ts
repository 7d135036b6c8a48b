import { readFile } from 'node:fs/promises'
import type { Detection } from '../boxes/detection.ts'
import { type Runs, runsOfMask } from '../boxes/runs.ts'
import type { Dataset, DatasetImage } from '../datasets/dataset.ts'
import { mapInOrder } from '../datasets/in-order.ts'
import { type Problem, type ProblemKind, ProblemList } from '../datasets/problem.ts'
import type { DetectOptions, DetectResult, ImageInput, Timings } from '../detector/types.ts'
import { BoxletError, toBoxletError } from '../errors.ts'
import { type CachedResult, hashPicture, NUMBERS, type ResultCache } from './result-cache.ts'

/** Whatever finds objects: a detector, a pool, a deployed service, a cloud account. */
export interface Finder {
  detect(image: ImageInput, options: DetectOptions): Promise<DetectResult>
}

/** What was found in one picture of a data set. */
export interface PictureResult {
  image: DatasetImage
  detections: (Pick<Detection, 'classId' | 'label' | 'score' | 'box' | 'keypoints'> & { runs?: Runs })[]
  timings: Timings
  cached: boolean
}

export interface RunOptions {
  detect: DetectOptions
  /** Index is the class id; turns cached class ids into labels. */
  labels: readonly (string | null)[]
  /** Pictures in work at once. */
  inFlight: number
  cache?: ResultCache
  /** Keeps masks and points, which the cache does not hold: it is then neither read nor written. */
  shapes?: boolean
  /** Pictures that fail: left out and listed, or fatal. */
  problems?: 'skip' | 'keep' | 'fatal'
  onProgress?: (done: number, total: number, cached: number) => void
  signal?: AbortSignal
}

export interface DatasetRun {
  /** In the order of the data set, without the pictures that failed. */
  results: PictureResult[]
  problems: Problem[]
  /** True when the run was stopped before its end; `results` then hold the pictures that were done. */
  stopped: boolean
}

/** Detects in every picture of a data set. Pictures that cannot be read become problems, not errors. */
export async function runDataset(dataset: Dataset, finder: Finder, options: RunOptions): Promise<DatasetRun> {
  const list = new ProblemList(options.problems)
  const total = dataset.images.length
  let done = 0
  let cached = 0
  let stopped = false
  const results = await mapInOrder(dataset.images, options.inFlight, async (image) => {
    if (stopped || options.signal?.aborted) {
      stopped = true
      return undefined
    }
    const result = await runPicture(image, finder, options, list).catch((error: unknown) => {
      if (error instanceof BoxletError && error.code === 'ABORTED') {
        stopped = true
        return undefined
      }
      throw error
    })
    if (result?.cached) {
      cached++
    }
    if (!stopped) {
      options.onProgress?.(++done, total, cached)
    }
    return result
  })
  return { results: results.filter((result) => result !== undefined), problems: list.problems, stopped }
}

async function runPicture(
  image: DatasetImage,
  finder: Finder,
  options: RunOptions,
  list: ProblemList,
): Promise<PictureResult | undefined> {
  const bytes = await readFile(image.path).catch(() => undefined)
  if (bytes === undefined) {
    list.add({
      kind: 'picture-missing',
      file: image.path,
      message: 'Expected a picture but there is no such file',
    })
    return undefined
  }
  const picture = hashPicture(bytes)
  const cache = options.shapes ? undefined : options.cache
  const known = cache?.get(picture)
  if (known !== undefined) {
    return fromCache(image, known, options.labels)
  }
  let result: DetectResult
  try {
    const signal = options.signal === undefined ? {} : { signal: options.signal }
    result = await finder.detect(bytes, { ...options.detect, ...signal })
  } catch (error) {
    const problem = pictureProblem(image, toBoxletError(error))
    if (problem === undefined) {
      throw error
    }
    list.add(problem)
    return undefined
  }
  if (result.image.width !== image.width || result.image.height !== image.height) {
    const message = `Expected ${image.width} × ${image.height} as the annotations say but the upright picture has ${result.image.width} × ${result.image.height}`
    list.add({ kind: 'picture-size', file: image.path, message })
  }
  await cache?.put(toCache(picture, result, options.labels.length === 0))
  return { image, detections: kept(result, options.shapes), timings: result.timings, cached: false }
}

/** A mask in runs takes a hundredth of its bitmap, of which a set has hundreds of thousands. */
const kept = ({ detections, image }: DetectResult, shapes = false): PictureResult['detections'] =>
  detections.map(({ classId, label, score, box, keypoints, mask }) => ({
    classId,
    label,
    score,
    box,
    ...(shapes && keypoints && { keypoints }),
    ...(shapes && mask && { runs: runsOfMask(mask, image) }),
  }))

/** Faults of the picture are problems of the data set; anything else ends the run. */
function pictureProblem(image: DatasetImage, error: BoxletError): Problem | undefined {
  if (!error.code.startsWith('IMAGE_')) {
    return undefined
  }
  const kind: ProblemKind = error.code === 'IMAGE_TRUNCATED' ? 'picture-truncated' : 'picture-unreadable'
  return { kind, file: image.path, message: error.message.replace(/\.$/, '') }
}

const toCache = (
  picture: string,
  { image, detections, timings }: DetectResult,
  keepLabels: boolean,
): CachedResult => ({
  picture,
  width: image.width,
  height: image.height,
  found: detections.flatMap(({ classId, score, box }) => [classId, score, box.x1, box.y1, box.x2, box.y2]),
  ...(keepLabels ? { labels: detections.map(({ label }) => label) } : {}),
  timings,
})

function fromCache(
  image: DatasetImage,
  known: CachedResult,
  labels: readonly (string | null)[],
): PictureResult {
  const detections: PictureResult['detections'] = []
  for (let at = 0; at < known.found.length; at += NUMBERS) {
    const [classId, score, x1, y1, x2, y2] = known.found.slice(at, at + NUMBERS) as Six
    detections.push({
      classId,
      label: known.labels?.[at / NUMBERS] ?? labels[classId] ?? `class ${classId}`,
      score,
      box: { x1, y1, x2, y2 },
    })
  }
  return { image, detections, timings: known.timings, cached: true }
}

type Six = [number, number, number, number, number, number]
