import { rm } from 'node:fs/promises'
import { type Dataset, selectImages } from '../datasets/dataset.ts'
import { Detector } from '../detector/detector.ts'
import { type Evaluation, evaluate } from '../evaluate/evaluation.ts'
import { labelsByCategory, mapLabels, toPredictions } from '../evaluate/label-map.ts'
import { MEASURING } from '../evaluate/measuring.ts'
import { runDataset } from '../evaluate/run-dataset.ts'
import { defined } from '../system/defined.ts'

/** While one picture runs, the next ones are read and decoded. */
const IN_FLIGHT = 3

/**
 * Measures a model file as `boxlet eval` does: the same detector, options and metrics, so that both say the same.
 *
 * @param file an .onnx file
 */
export async function measureFile(
  file: string,
  dataset: Dataset,
  threads: number,
  { iou, signal }: { iou?: number; signal?: AbortSignal | undefined } = {},
): Promise<Evaluation> {
  const detect = { ...MEASURING, ...defined({ iou }) }
  await using detector = await Detector.load(file, { threads })
  const { model } = detector
  const started = performance.now()
  const run = await runDataset(dataset, detector, {
    detect,
    labels: model.contract.labels,
    inFlight: IN_FLIGHT,
    ...defined({ signal }),
  })
  const map = mapLabels(model.contract.labels, dataset.categories)
  const evaluation = evaluate(dataset, toPredictions(run.results, map), {
    subject: {
      name: model.name,
      kind: 'model',
      family: model.family,
      sha256: model.sha256,
      ...(model.licence === null ? {} : { licence: model.licence }),
    },
    detect,
    results: run.results,
    seconds: (performance.now() - started) / 1000,
    jobs: 1,
    problems: run.problems,
    unusedLabels: map.unusedLabels,
    missingCategories: map.missingCategories,
  })
  evaluation.contract = model.contract
  evaluation.labelOf = labelsByCategory(map)
  return evaluation
}

/** Measures bytes that are in no file yet, by way of one beside the result. */
export async function measureBytes(
  bytes: Uint8Array,
  path: string,
  save: (path: string, bytes: Uint8Array) => Promise<void>,
  dataset: Dataset,
  threads: number,
  signal?: AbortSignal,
): Promise<Evaluation> {
  await save(path, bytes)
  try {
    return await measureFile(path, dataset, threads, { signal })
  } finally {
    await rm(path, { force: true })
  }
}

/** At most so many pictures, spread over the set. */
export function spread(dataset: Dataset, most: number): Dataset {
  const every = Math.ceil(dataset.images.length / most)
  if (every <= 1) {
    return dataset
  }
  const kept = dataset.images.filter((_, at) => at % every === 0)
  return selectImages(dataset, new Set(kept.map(({ id }) => id)), dataset.name)
}
