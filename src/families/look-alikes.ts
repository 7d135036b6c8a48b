import type { ModelSignature, TensorInfo } from '../model/signature.ts'
import { pictureInput } from './heads/shapes.ts'

/** Crops that the stages of MTCNN look at; its first one slides over the whole picture. */
const MTCNN_EDGES = [24, 48]
/** Heights of a line of text. */
const LINE_HEIGHTS = [32, 48, 64]
/** Columns of a recogniser: letters of one script at least. */
const LEAST_LETTERS = 30

/** Picture, class and row, as NonMaxSuppression gives them. */
const SELECTED_COLUMNS = 3

/**
 * What a model that is no detector probably is, for the sentence that refuses it; undefined where nothing tells.
 * A word is all that hangs on it, so shapes are enough here.
 */
export function lookAlike(signature: ModelSignature): string | undefined {
  const { outputs } = signature
  const [first] = outputs
  if (first === undefined) {
    return undefined
  }
  if (signature.inputs.some(({ name }) => /^(input_ids|text_token_mask|token_type_ids)$/.test(name))) {
    return 'a model that is asked in words, such as Grounding DINO or OWL-ViT, and wants a tokenizer beside it'
  }
  if (isMtcnn(signature)) {
    return 'a stage of MTCNN, which judges small crops and needs the other stages beside it'
  }
  if (outputs.length > 1) {
    return undefined
  }
  if (/^u?int/.test(first.type) && first.shape?.length === 2 && first.shape[1] === SELECTED_COLUMNS) {
    return 'what a suppression has chosen, as numbers of rows, without the boxes and scores themselves'
  }
  return isClassMap(signature, first)
    ? 'a segmentation, which gives a class for each pixel and no boxes'
    : oneOutput(signature, first)
}

function oneOutput(signature: ModelSignature, output: TensorInfo): string | undefined {
  const picture = pictureInput(signature)
  const shape = output.shape ?? []
  const last = shape.at(-1)
  const edges = [picture?.height, picture?.width]
  if (shape.length === 3 && typeof last === 'number' && last >= LEAST_LETTERS) {
    const isLine =
      edges.some((edge) => edge !== undefined && LINE_HEIGHTS.includes(edge)) && edges[0] !== edges[1]
    if (isLine) {
      return 'a text recogniser, which reads one line of text and gives no boxes'
    }
  }
  if (shape.length === 2 && typeof last === 'number' && last > 1 && !signature.ops.NonMaxSuppression) {
    return 'a classifier or an embedding, which says what a picture shows and not where'
  }
  const [, channels, down, across] = shape
  if (shape.length === 4 && picture !== undefined) {
    const isWhole = [down, across].every((edge, i) => typeof edge !== 'number' || edge === edges[i])
    if (isWhole && (channels === 1 || channels === 3)) {
      return 'a map or picture as large as its input, such as one that finds text, depth or an outline'
    }
    if (isWhole) {
      return 'a segmentation, which gives a class for each pixel and no boxes'
    }
  }
  return undefined
}

/** Whole numbers for each pixel, or the largest of some channels taken inside. */
function isClassMap({ tails }: ModelSignature, output: TensorInfo): boolean {
  const tail = Object.hasOwn(tails, output.name) ? tails[output.name] : undefined
  const isMap = (output.shape?.filter((edge) => typeof edge !== 'number' || edge > 1).length ?? 0) >= 2
  return isMap && (/^u?int/.test(output.type) || tail?.ops.includes('ArgMax') === true)
}

/** Two scores and four offsets for each crop, or for each place of a small sliding window. */
function isMtcnn(signature: ModelSignature): boolean {
  const picture = pictureInput(signature)
  const columns = signature.outputs.map(({ shape }) => (shape?.length === 2 ? shape[1] : undefined))
  const isCrop =
    picture?.height !== undefined && MTCNN_EDGES.includes(picture.height) && picture.width === picture.height
  if (isCrop && columns.includes(2) && columns.includes(4)) {
    return true
  }
  const channels = signature.outputs.map(({ shape }) =>
    (shape?.length === 4 ? [shape[1], shape[3]] : []).flat(),
  )
  const maps = signature.outputs.length === 2 && picture?.height === undefined
  return maps && channels.some((pair) => pair.includes(2)) && channels.some((pair) => pair.includes(4))
}
