import { escapeText } from '../../evaluate/report/escape.ts'
import { page } from '../../evaluate/report/page.ts'
import { pictureWithBoxes } from '../../evaluate/report/pictures.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import type { SampleFormat } from '../augment/sample.ts'
import type { TrainingPicture } from '../data/pictures.ts'
import { Order } from '../run/order.ts'
import type { Recipe } from '../run/recipe.ts'
import { show } from '../run/show.ts'

/** Inputs drawn: the first batches of a run. */
const SHOWN = 24

/** The first inputs exactly as they are fed, with the boxes that are learned from, as one page. */
export async function previewPage(
  recipe: Recipe,
  pictures: readonly TrainingPicture[],
  format: SampleFormat,
  labels: readonly string[],
): Promise<string> {
  const planes = new Float32Array(3 * recipe.size * recipe.size)
  const order = new Order(recipe.seed, pictures.length)
  const figures: string[] = []
  for (let pass = 0; pass < SHOWN; pass++) {
    const objects = await show(planes, pass, order, recipe, pictures, format)
    const boxes = objects.map(({ classId, box }) => ({
      style: 'hit' as const,
      label: labels[classId]!,
      x: box.x1,
      y: box.y1,
      width: box.x2 - box.x1,
      height: box.y2 - box.y1,
    }))
    const image = toPixels(planes, format)
    const drawn = await pictureWithBoxes(image, image, boxes)
    const caption = `step ${Math.floor(pass / recipe.batch) + 1}: ${pictures[order.at(pass)]!.name}, ${objects.length} objects`
    figures.push(`<figure>${drawn}<figcaption>${escapeText(caption)}</figcaption></figure>`)
  }
  const title = 'What the first steps are fed'
  return page(title, `<h1>${title}</h1><div class="pictures">${figures.join('\n')}</div>`)
}

/** Values of the network back to the pixels that they were made of. */
function toPixels(planes: Float32Array, { size, channels }: SampleFormat): RgbImage {
  const plane = size * size
  const data = new Uint8Array(3 * plane)
  for (let channel = 0; channel < 3; channel++) {
    const to = channels.order === 'RGB' ? channel : 2 - channel
    for (let i = 0; i < plane; i++) {
      data[3 * i + to] = planes[channel * plane + i]! * channels.std[channel]! + channels.mean[channel]!
    }
  }
  return { width: size, height: size, data }
}
