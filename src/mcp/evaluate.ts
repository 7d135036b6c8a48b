import * as v from 'valibot'
import { countByCategory, type Dataset } from '../datasets/dataset.ts'
import { openDataset } from '../datasets/open.ts'
import { readJudged } from '../datasets/readable.ts'
import type { DetectorLike } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { evaluate } from '../evaluate/evaluation.ts'
import { mapLabels, toPredictions } from '../evaluate/label-map.ts'
import { MEASURING } from '../evaluate/measuring.ts'
import { runDataset } from '../evaluate/run-dataset.ts'
import { round } from '../formats/native.ts'
import type { PictureAccess } from './picture.ts'

/** A talk waits for the answer: some seconds for a small model. */
const DEFAULT_PICTURES = 50
const MOST_PICTURES = 2_000
/** While one runs, the next is read. */
const IN_FLIGHT = 2

export const EVALUATE_SCHEMA = {
  type: 'object',
  properties: {
    data: {
      type: 'string',
      description:
        'Path of a labelled data set in a folder that may be read: COCO .json, VOC folder or YOLO data.yaml.',
    },
    model: { type: 'string', description: 'One of list_models. Default: the first.' },
    pictures: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_PICTURES,
      description: `Only the first so many pictures. Default: ${DEFAULT_PICTURES}.`,
    },
  },
  required: ['data'],
  additionalProperties: false,
}

export const EVALUATE_ARGUMENTS = v.strictObject({
  data: v.pipe(v.string(), v.minLength(1)),
  model: v.optional(v.string()),
  pictures: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_PICTURES)),
    DEFAULT_PICTURES,
  ),
})

/**
 * Average precision of a model on a data set inside the folders. What a set names outside of them counts as not there.
 *
 * @throws BoxletError FORBIDDEN where the set itself lies outside
 */
export async function measure(
  { data, pictures }: v.InferOutput<typeof EVALUATE_ARGUMENTS>,
  detector: DetectorLike,
  { folders, limits }: Pick<PictureAccess, 'folders' | 'limits'>,
  signal: AbortSignal,
) {
  const place = await folders.inside(data)
  const inside = (path: string) => folders.inside(path)
  const whole = await readJudged(inside, () => openDataset(place, { signal }))
  const dataset = withImages(whole, whole.images.slice(0, pictures))
  // Pictures are read later, by path.
  for (const { path } of dataset.images) {
    await folders.inside(path)
  }
  const { model } = detector
  const { minScore, ...rest } = MEASURING
  const image = { maxPixels: limits.pixels, maxBytes: limits.pictureBytes }
  const detect = { ...rest, minScore, everyClass: true, image }
  const map = mapLabels(model.contract.labels, dataset.categories, {}, countByCategory(dataset))
  const run = await runDataset(dataset, detector, {
    detect,
    labels: model.contract.labels,
    inFlight: IN_FLIGHT,
    signal,
  })
  if (run.stopped) {
    throw new BoxletError('ABORTED', 'Expected to measure every picture but the call was cancelled.')
  }
  const measured = withImages(
    dataset,
    run.results.map(({ image }) => image),
  )
  const result = evaluate(measured, toPredictions(run.results, map), {
    subject: { name: model.name, kind: 'model', family: model.family, sha256: model.sha256 },
    detect,
    results: run.results,
    problems: run.problems,
    unusedLabels: map.unusedLabels,
    missingCategories: map.missingCategories,
  })
  return {
    model: model.name,
    pictures: result.dataset.pictures,
    objects: result.dataset.objects,
    ap: round(result.stats.ap, 4),
    ap50: round(result.stats.ap50, 4),
    bestThreshold: result.overall ?? null,
    classes: result.classes.map(({ category, ap, ap50, counts }) => ({
      name: category.name,
      ap: round(ap, 4),
      ap50: round(ap50, 4),
      ...counts,
    })),
    problems: result.problems.length,
  }
}

function withImages(dataset: Dataset, images: Dataset['images']): Dataset {
  if (images.length === 0) {
    throw new BoxletError('DATASET_INVALID', 'Expected pictures in the data set but there are none.')
  }
  const ids = new Set(images.map(({ id }) => id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}
