import type { PixelBox, Size } from './box.ts'

/**
 * Where the resized picture lies inside the model input. Made once per picture by `letterbox`, used by the
 * pixel work and by `toImage`, so that a rounding rule exists only once.
 */
export interface Letterbox {
  /** Upright original picture. */
  image: Size
  /** Model input as fed. */
  input: Size
  /** Whole pixels that the resized picture covers. */
  content: Size
  /** Whole pixels left of and above the content. */
  padX: number
  padY: number
  /** Model-input pixels per picture pixel, along each axis. */
  scaleX: number
  scaleY: number
}

export interface FitOptions {
  fit: 'letterbox' | 'stretch' | 'shortest-edge' | 'none'
  align: 'centre' | 'top-left'
  rounding: 'round' | 'floor'
  /** Longest edge for `shortest-edge`; for `none`, that of pictures which are reduced all the same. */
  longestEdge?: number
  /** Pad each side only up to the next multiple of this instead of the whole target. */
  stride?: number
}

/**
 * Lays a picture into a model input.
 *
 * `letterbox` scales by the smaller of the two ratios; the resized edge is rounded half to even, as Python's
 * `round` does in the reference code, or cut. Odd padding goes right and below. The scale kept is content
 * over picture, the one that the resize really applies, not the ratio before rounding: the two differ by up
 * to half a pixel at the far edge.
 *
 * source  Ultralytics `LetterBox`, YOLOX `preproc`, torchvision `GeneralizedRCNNTransform`
 * cost    half a pixel of wrong padding at 640 is 1–3 pixels in a large photo, which AP at IoU 0.9 sees
 */
export function letterbox(image: Size, target: Size, options: FitOptions): Letterbox {
  const content = contentSize(image, target, options)
  const input = inputSize(content, target, options)
  const centred = options.align === 'centre'
  return {
    image,
    input,
    content,
    padX: centred ? Math.floor((input.width - content.width) / 2) : 0,
    padY: centred ? Math.floor((input.height - content.height) / 2) : 0,
    scaleX: content.width / image.width,
    scaleY: content.height / image.height,
  }
}

function contentSize(image: Size, target: Size, options: FitOptions): Size {
  if (options.fit === 'none') {
    const scale = Math.min(
      1,
      (options.longestEdge ?? Number.POSITIVE_INFINITY) / Math.max(image.width, image.height),
    )
    return {
      width: Math.max(1, Math.round(image.width * scale)),
      height: Math.max(1, Math.round(image.height * scale)),
    }
  }
  if (options.fit === 'stretch') {
    return target
  }
  const whole = options.rounding === 'floor' ? Math.floor : roundHalfToEven
  const scale =
    options.fit === 'letterbox'
      ? Math.min(target.width / image.width, target.height / image.height)
      : shortestEdgeScale(image, target, options.longestEdge)
  return {
    width: Math.max(1, whole(image.width * scale)),
    height: Math.max(1, whole(image.height * scale)),
  }
}

function shortestEdgeScale(image: Size, target: Size, longestEdge = Number.POSITIVE_INFINITY): number {
  const short = Math.min(target.width, target.height) / Math.min(image.width, image.height)
  return Math.min(short, longestEdge / Math.max(image.width, image.height))
}

function inputSize(content: Size, target: Size, options: FitOptions): Size {
  if (options.stride !== undefined) {
    const { stride } = options
    const up = (edge: number) => Math.max(stride, Math.ceil(edge / stride) * stride)
    return { width: up(content.width), height: up(content.height) }
  }
  return options.fit === 'letterbox' || options.fit === 'stretch' ? target : content
}

/** Python's `round`: 0.5 goes to the even neighbour. */
export function roundHalfToEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** Model-input pixels to pixels of the upright original picture. */
export const toImage = (box: PixelBox, at: Letterbox): PixelBox => ({
  x1: (box.x1 - at.padX) / at.scaleX,
  y1: (box.y1 - at.padY) / at.scaleY,
  x2: (box.x2 - at.padX) / at.scaleX,
  y2: (box.y2 - at.padY) / at.scaleY,
})

/** Pixels of the upright original picture to model-input pixels. */
export const toInput = (box: PixelBox, at: Letterbox): PixelBox => ({
  x1: box.x1 * at.scaleX + at.padX,
  y1: box.y1 * at.scaleY + at.padY,
  x2: box.x2 * at.scaleX + at.padX,
  y2: box.y2 * at.scaleY + at.padY,
})
