import type { CheckpointFacts } from './facts.ts'
import type { ImageSize } from './heads/head.ts'
import { MAX_IMAGE_EDGE, unsupported } from './limits.ts'

/** What of a network decides about the size of its picture. */
export interface SizeRule {
  /** Pixels that both edges have to be a multiple of. */
  stride: number
  /** Edge that trainers take when nobody names one. */
  edge: number
}

/**
 * The size of the picture that the network is built for: the one asked for, else that of the training, else the
 * trainer's default; brought up to the next multiple of the largest stride, as trainers do.
 *
 * @param notices gets a sentence for every decision that the file did not make
 */
export function chooseSize(
  facts: CheckpointFacts,
  { stride, edge }: SizeRule,
  asked: ImageSize | undefined,
  notices: string[],
): ImageSize {
  const wished = asked ?? facts.imageSize ?? fallback(edge, notices)
  const whole = (pixels: number) => Math.ceil(pixels / stride) * stride
  const size = { height: whole(wished.height), width: whole(wished.width) }
  if (size.height !== wished.height || size.width !== wished.width) {
    const origin = asked === undefined ? 'the checkpoint names' : 'you asked for'
    notices.push(
      `The picture is ${sizeText(size)} pixels: ${origin} ${sizeText(wished)}, which is no multiple of the stride of ${stride}.`,
    )
  } else if (asked === undefined && facts.imageSize !== undefined && size.height !== size.width) {
    notices.push(`The picture is ${sizeText(size)} pixels, as the checkpoint names height and width apart.`)
  }
  if (asked === undefined && Math.max(wished.height, wished.width) < edge / 2) {
    notices.push(
      `The checkpoint names pictures of ${sizeText(wished)} pixels, far fewer than the usual ${edge}; --imgsz gives another size.`,
    )
  }
  if (Math.max(size.height, size.width) > MAX_IMAGE_EDGE || Math.min(size.height, size.width) < 1) {
    throw unsupported(
      `edges of 1 to ${MAX_IMAGE_EDGE} pixels`,
      sizeText(size),
      'Give another size with --imgsz.',
    )
  }
  return size
}

function fallback(edge: number, notices: string[]): ImageSize {
  notices.push(
    `The picture is ${edge} by ${edge} pixels, the default of trainers, as the checkpoint names no size; --imgsz gives another.`,
  )
  return { height: edge, width: edge }
}

/** Height first, as everywhere in these files. */
const sizeText = ({ height, width }: ImageSize): string => `${height} by ${width}`
