import type { CheckpointFacts } from './facts.ts'
import type { ImageSize } from './heads/head.ts'
import { MAX_IMAGE_EDGE, unsupported } from './limits.ts'
import type { Module } from './module.ts'

/** What trainers take when nobody names a size. */
const DEFAULT_EDGE = 640
const DEFAULT_CLASSIFIER_EDGE = 224

/**
 * The size of the picture that the network is built for: the one asked for, else that of the training, else the
 * trainer's default; brought up to the next multiple of the largest stride, as trainers do.
 *
 * @param notices gets a sentence for every decision that the file did not make
 */
export function chooseSize(
  facts: CheckpointFacts,
  head: Module,
  asked: ImageSize | undefined,
  notices: string[],
): ImageSize {
  const stride = largestStride(head)
  const wished = asked ?? facts.imageSize ?? fallback(head, notices)
  const whole = (edge: number) => Math.ceil(edge / stride) * stride
  const size = { height: whole(wished.height), width: whole(wished.width) }
  if (size.height !== wished.height || size.width !== wished.width) {
    const origin = asked === undefined ? 'the checkpoint names' : 'you asked for'
    notices.push(
      `The picture is ${sizeText(size)} pixels: ${origin} ${sizeText(wished)}, which is no multiple of the stride of ${stride}.`,
    )
  } else if (asked === undefined && facts.imageSize !== undefined && size.height !== size.width) {
    notices.push(`The picture is ${sizeText(size)} pixels, as the checkpoint names height and width apart.`)
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

function fallback(head: Module, notices: string[]): ImageSize {
  const edge = head.name === 'Classify' ? DEFAULT_CLASSIFIER_EDGE : DEFAULT_EDGE
  notices.push(
    `The picture is ${edge} by ${edge} pixels, the default of trainers, as the checkpoint names no size; --imgsz gives another.`,
  )
  return { height: edge, width: edge }
}

/** Height first, as everywhere in these files. */
const sizeText = ({ height, width }: ImageSize): string => `${height} by ${width}`

/** Pixels of a cell of the coarsest level; RT-DETR keeps none and halves five times. */
function largestStride(head: Module): number {
  if (head.name === 'Classify') {
    return 1
  }
  const strides = head.optionalTensor('stride')?.values() ?? []
  const largest = Math.max(...strides)
  return Number.isSafeInteger(largest) && largest >= 1 && largest <= 1024 ? largest : 32
}
