import { area } from '../../boxes/box.ts'
import type { Labelled } from '../augment/move-boxes.ts'
import { drawSample, place, type SampleFormat } from '../augment/sample.ts'
import { pixelsOf, type TrainingPicture } from '../data/pictures.ts'
import { changesAt, type Order } from './order.ts'
import { augmentationAt, type Recipe } from './recipe.ts'

/**
 * Objects of one input. The assignment holds a number for each pair of object and cell, a dozen times over: 500 are
 * 90 MB for each worker at 416. Of more, in a mosaic of crowds, the largest are learned from.
 */
const MOST_OBJECTS = 500

/**
 * Draws what is shown at a place of a run.
 *
 * @param pass pictures shown before
 * @returns its objects, in pixels of the input
 */
export async function show(
  planes: Float32Array,
  pass: number,
  order: Order,
  recipe: Recipe,
  pictures: readonly TrainingPicture[],
  format: SampleFormat,
): Promise<Labelled[]> {
  const change = augmentationAt(recipe, Math.floor(pass / recipe.batch))
  const placements = place(order.at(pass), pictures, recipe.size, change, changesAt(recipe.seed, pass))
  const shown = await Promise.all(
    placements.map(async ({ picture }) => ({
      image: await pixelsOf(pictures[picture]!),
      objects: pictures[picture]!.objects,
    })),
  )
  const objects = drawSample(planes, placements, shown, format)
  return objects.length <= MOST_OBJECTS
    ? objects
    : objects.toSorted((a, b) => area(b.box) - area(a.box)).slice(0, MOST_OBJECTS)
}
