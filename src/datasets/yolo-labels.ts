import { relative, sep } from 'node:path'
import { counted } from '../system/words.ts'
import type { Annotation, Dataset, DatasetImage } from './dataset.ts'
import { MAX_OBJECTS_PER_PICTURE } from './limits.ts'
import { polygonArea } from './outline.ts'
import { boxProblem, type Problem, type ProblemList } from './problem.ts'
import { labelPath, type YoloPicture } from './yolo-files.ts'
import { type KeypointShape, looksLikeKeypoints, parseYoloLine, type YoloObject } from './yolo-text.ts'

/** Puts pictures and the lines of their label files into a data set. */
export class LabelReader {
  readonly #dataset: Dataset
  readonly #list: ProblemList
  readonly #keypoints: KeypointShape | undefined
  readonly #expected: readonly string[] | undefined
  #scores = 0
  /** Polygons, and how many of them look like key points. */
  #polygons = 0
  #pointLike = 0
  #firstPointLike: { file: string; line: number } | undefined

  constructor(
    dataset: Dataset,
    list: ProblemList,
    keypoints: KeypointShape | undefined,
    expected: readonly string[] | undefined,
  ) {
    this.#dataset = dataset
    this.#list = list
    this.#keypoints = keypoints
    this.#expected = expected
  }

  add(picture: YoloPicture, root: string): void {
    const { size } = picture
    if (size === undefined) {
      const message = picture.exists
        ? 'Expected a picture but the file cannot be read'
        : 'Expected a picture but there is no such file'
      this.#list.add({
        kind: picture.exists ? 'picture-unreadable' : 'picture-missing',
        file: picture.path,
        message,
      })
      return
    }
    const fileName = relative(root, picture.path).split(sep).join('/')
    const image: DatasetImage = {
      id: this.#dataset.images.length + 1,
      fileName,
      path: picture.path,
      ...size,
    }
    this.#dataset.images.push(image)
    let objects = 0
    for (const [i, line] of (picture.text ?? '').split(/\r?\n/).entries()) {
      if (line.trim() === '') {
        continue
      }
      if (++objects > MAX_OBJECTS_PER_PICTURE) {
        const message = `Expected at most ${MAX_OBJECTS_PER_PICTURE} objects in a picture`
        this.#list.add({ kind: 'annotation-invalid', file: picture.labels, line: i + 1, message })
        return
      }
      this.#addLine(line, image, { file: picture.labels, line: i + 1 })
    }
  }

  #addLine(line: string, image: DatasetImage, place: { file: string; line: number }): void {
    const problem = (kind: Problem['kind'], message: string): Problem => ({ kind, ...place, message })
    const object = parseYoloLine(line, image, this.#keypoints)
    if (object === undefined) {
      this.#list.add(problem('annotation-invalid', this.#expectedLine(line)))
      return
    }
    if (object.polygon !== undefined) {
      this.#polygons++
      if (looksLikeKeypoints(line)) {
        this.#pointLike++
        this.#firstPointLike ??= place
      }
    }
    const category = this.#dataset.categories[object.classId]
    if (category === undefined || (this.#expected !== undefined && !this.#expected.includes(category.name))) {
      const message = `Expected a class below ${this.#dataset.categories.length} but received ${object.classId}`
      this.#list.add(problem('class-unknown', message))
      return
    }
    const wrong = boxProblem(object.box, image)
    if (wrong !== undefined) {
      if (!this.#list.keeps(problem(wrong.kind, wrong.message)) || wrong.kind === 'box-empty') {
        return
      }
    }
    this.#scores += object.score === undefined ? 0 : 1
    this.#dataset.annotations.push(
      annotationOf(object, this.#dataset.annotations.length + 1, image, category.id),
    )
  }

  #expectedLine(line: string): string {
    if (this.#keypoints !== undefined) {
      const { count, dimensions } = this.#keypoints
      return `Expected a class number, four numbers and ${count} key points of ${dimensions} numbers, as kpt_shape says`
    }
    const forms = 'Expected a class number and four numbers, or a polygon of at least three points'
    const values = line.trim().split(/\s+/).length - 1
    return values > 6 && (values - 4) % 3 === 0
      ? `${forms}; key points need "kpt_shape" in the data.yaml`
      : forms
  }

  /** Says what only the whole part shows. */
  finish(path: string, part: string, pictures: readonly YoloPicture[]): void {
    const { notes } = this.#dataset
    if (this.#scores > 0) {
      notes.push(`${counted(this.#scores, 'line')} of detections: the scores are left out.`)
    }
    if (this.#firstPointLike !== undefined && this.#pointLike === this.#polygons) {
      const message =
        'Expected "kpt_shape" in the data.yaml, as every line reads as a box with key points, but there is none'
      this.#list.add({ kind: 'annotation-invalid', ...this.#firstPointLike, message })
    }
    const without = pictures.filter(({ text }) => text === undefined)
    const [first] = without
    if (first !== undefined && without.length === pictures.length) {
      const message = `Expected label files for the part ${part} but none of ${counted(pictures.length, 'picture')} has one; looked for "${labelPath(first.path)}" and beside the picture`
      this.#list.add({ kind: 'labels-missing', file: path, message })
    } else if (first !== undefined) {
      notes.push(
        `${without.length} of ${pictures.length} pictures have no label file, which means that nothing is on them; the first is "${first.path}".`,
      )
    }
    const beside = pictures.filter(
      ({ path: file, labels, text }) => text !== undefined && labels !== labelPath(file),
    )
    if (beside.length > 0) {
      notes.push(
        `Labels of ${counted(beside.length, 'picture')} lie where trainers do not look for them: "${beside[0]!.labels}" and not "${labelPath(beside[0]!.path)}".`,
      )
    }
  }
}

const annotationOf = (
  { box, polygon, keypoints }: YoloObject,
  id: number,
  image: DatasetImage,
  categoryId: number,
): Annotation => ({
  id,
  imageId: image.id,
  categoryId,
  box,
  area: polygon === undefined ? box.width * box.height : polygonArea(polygon),
  crowd: false,
  difficult: false,
  ...(polygon === undefined ? {} : { segmentation: [polygon] }),
  ...(keypoints === undefined
    ? {}
    : {
        extra: { keypoints, num_keypoints: keypoints.filter((value, i) => i % 3 === 2 && value > 0).length },
      }),
})
