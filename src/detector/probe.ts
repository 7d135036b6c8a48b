import type { Size } from '../boxes/box.ts'
import { type PictureInput, pictureInput } from '../families/heads/shapes.ts'
import { imageSize } from '../families/heads/ultralytics.ts'
import type { ModelSignature } from '../model/signature.ts'

/** Edges that networks of unknown size are tried with, the usual one first. */
const USUAL_EDGES = [640, 320, 416, 224, 512]
/** Picture channels that the first layer of a network may have. */
const CHANNELS = [3, 1]

/**
 * The input that takes the picture, also where the file declares no shape for it: the first weight of the network
 * tells the channels then, and a transpose before it that they come last.
 */
export function guessedPicture(
  signature: ModelSignature,
): { signature: ModelSignature; input: PictureInput } | undefined {
  const declared = pictureInput(signature)
  if (declared !== undefined) {
    return { signature, input: declared }
  }
  for (const tensor of signature.inputs) {
    const stem = Object.hasOwn(signature.stems ?? {}, tensor.name)
      ? signature.stems?.[tensor.name]
      : undefined
    const channels = stem?.firstWeight?.length === 4 ? stem.firstWeight[1] : undefined
    const isOpen = tensor.shape === undefined || tensor.shape.every((edge) => typeof edge !== 'number')
    if (!isOpen || channels === undefined || !CHANNELS.includes(channels)) {
      continue
    }
    const isLast = stem?.ops.includes('Transpose') === true
    const shape = isLast ? ['batch', 'height', 'width', channels] : ['batch', channels, 'height', 'width']
    const inputs = signature.inputs.map((other) => (other === tensor ? { ...tensor, shape } : other))
    const guessed = { ...signature, inputs }
    const input = pictureInput(guessed)
    if (input !== undefined) {
      return { signature: guessed, input }
    }
  }
  return undefined
}

/** Sizes to try, that of the file or its metadata first. */
export function learnedSizes(signature: ModelSignature, { width, height }: PictureInput): Size[] {
  if (width !== undefined && height !== undefined) {
    return [{ width, height }]
  }
  const said = imageSize(signature)
  const usual = USUAL_EDGES.map((edge) => ({ width: width ?? edge, height: height ?? edge }))
  return said === undefined ? usual : [said, ...usual]
}
