import {
  type Annotation,
  annotationsByImage,
  type Dataset,
  type DatasetImage,
} from '../../datasets/dataset.ts'
import { escapeText } from './escape.ts'
import { page } from './page.ts'
import { type DrawnBox, pictureWithBoxes } from './pictures.ts'

/** Pictures of a data set with their labels, as one self-contained page. */
export async function datasetPage(dataset: Dataset, images: readonly DatasetImage[]): Promise<string> {
  const objects = annotationsByImage(dataset)
  const names = new Map(dataset.categories.map((category) => [category.id, category.name]))
  const figures: string[] = []
  for (const image of images) {
    figures.push(await figure(image, objects.get(image.id) ?? [], names))
  }
  const title = `${dataset.name}: ${images.length} of ${dataset.images.length} pictures`
  return page(
    title,
    `<h1>${escapeText(title)}</h1>
<p class="key soft"><i style="color:#35c46f"></i>object <i style="color:#ffb020;border-style:dashed"></i>difficult <i style="color:#b0b7be;border-style:dotted"></i>crowd</p>
<div class="pictures">${figures.join('\n')}</div>`,
  )
}

async function figure(
  image: DatasetImage,
  objects: readonly Annotation[],
  names: Map<number, string>,
): Promise<string> {
  const boxes = objects.map(
    ({ box, categoryId, crowd, difficult }): DrawnBox => ({
      ...box,
      style: crowd ? 'crowd' : difficult ? 'missed' : 'hit',
      label: names.get(categoryId) ?? '',
    }),
  )
  const drawn = await pictureWithBoxes(image.path, image, boxes)
  const caption = `${image.fileName}: ${objects.length} objects, ${image.width} × ${image.height}`
  return `<figure>${drawn ?? '<p>The picture cannot be read.</p>'}<figcaption>${escapeText(caption)}</figcaption></figure>`
}
