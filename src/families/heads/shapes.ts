import type { Size } from '../../boxes/box.ts'
import type { Dimension, ModelSignature, OutputTail, TensorInfo } from '../../model/signature.ts'

/** The number, or undefined for a free or unknown axis. */
export const fixed = (dimension: Dimension | undefined): number | undefined =>
  typeof dimension === 'number' && dimension > 0 ? dimension : undefined

/** Cells of all levels for an input: what an anchor-free head has rows for. */
export const gridCells = (input: Size, strides: readonly number[]): number =>
  strides.reduce((sum, stride) => sum + Math.ceil(input.width / stride) * Math.ceil(input.height / stride), 0)

/** Coarsest and finest level that a pyramid has, as powers of two, and how many levels. */
const FINEST_LEVEL = 2
const COARSEST_LEVEL = 7
const USUAL_LEVELS: readonly (readonly number[])[] = [
  [8, 16, 32],
  [8, 16, 32, 64],
]

/** Every pyramid of at least two levels whose strides double, the usual ones first. */
const PYRAMIDS: readonly (readonly number[])[] = [...USUAL_LEVELS, ...pyramids()]

function pyramids(): number[][] {
  const found: number[][] = []
  for (let finest = FINEST_LEVEL; finest < COARSEST_LEVEL; finest++) {
    for (let coarsest = finest + 1; coarsest <= COARSEST_LEVEL; coarsest++) {
      const strides = Array.from({ length: coarsest - finest + 1 }, (_, level) => 2 ** (finest + level))
      if (!USUAL_LEVELS.some((usual) => String(usual) === String(strides))) {
        found.push(strides)
      }
    }
  }
  return found
}

/** Strides of a head by its number of rows: of 8 to 32 or 64 first, then of any pyramid (P2, P6, two levels). */
export const pyramidOf = (
  input: Size,
  rows: number | undefined,
  anchors = 1,
): readonly number[] | undefined => PYRAMIDS.find((strides) => rows === anchors * gridCells(input, strides))

/** Whether the strides are those that most heads have, so that the row count alone says much. */
export const isUsualPyramid = (strides: readonly number[]): boolean =>
  USUAL_LEVELS.some((usual) => String(usual) === String(strides))

/** How the picture goes in, as far as the shape tells. */
export interface PictureInput {
  tensor: TensorInfo
  layout: 'NCHW' | 'NHWC' | 'CHW' | 'HWC'
  /** Three of colour, or one of brightness. */
  channels: 1 | 3
  /** Undefined for a free axis. */
  width: number | undefined
  height: number | undefined
}

/**
 * The input that takes the picture: the one of rank 4 (or 3 without a batch axis) with an axis of three
 * channels, or else the one of rank 4 with a single channel. Undefined when the channels are on neither side.
 */
export function pictureInput(signature: ModelSignature): PictureInput | undefined {
  for (const tensor of signature.inputs) {
    const shape = tensor.shape
    if (shape === undefined || (shape.length !== 4 && shape.length !== 3)) {
      continue
    }
    const [first, second, third] = shape.length === 4 ? shape.slice(1) : shape
    const batch = shape.length === 4
    const channelsFirst = first === 3
    const channelsLast = third === 3
    if (channelsFirst && !(channelsLast && second !== third)) {
      return {
        tensor,
        layout: batch ? 'NCHW' : 'CHW',
        channels: 3,
        height: fixed(second),
        width: fixed(third),
      }
    }
    if (channelsLast) {
      return {
        tensor,
        layout: batch ? 'NHWC' : 'HWC',
        channels: 3,
        height: fixed(first),
        width: fixed(second),
      }
    }
  }
  return freePicture(signature) ?? greyPicture(signature)
}

/** Transformers exports leave every axis free, channels too, and name the input and its axes instead. */
function freePicture(signature: ModelSignature): PictureInput | undefined {
  const tensor = signature.inputs.find(
    ({ name, shape }) =>
      shape?.length === 4 &&
      fixed(shape[1]) === undefined &&
      (name === 'pixel_values' || /channels/i.test(String(shape[1]))),
  )
  const shape = tensor?.shape
  if (tensor === undefined || shape === undefined) {
    return undefined
  }
  return { tensor, layout: 'NCHW', channels: 3, height: fixed(shape[2]), width: fixed(shape[3]) }
}

/** Smallest edge that a picture of one channel may have: a shorter one belongs to a vector or a mask. */
const LEAST_GREY_EDGE = 16

/** An input of rank 4 with a single channel on either side, and edges that pictures have. */
function greyPicture(signature: ModelSignature): PictureInput | undefined {
  for (const tensor of signature.inputs) {
    const [, first, second, third] = tensor.shape ?? []
    if (tensor.shape?.length !== 4 || /mask/i.test(tensor.name)) {
      continue
    }
    const areEdges = (...edges: (Dimension | undefined)[]) =>
      edges.every((edge) => typeof edge !== 'number' || edge >= LEAST_GREY_EDGE)
    if (first === 1 && areEdges(second, third)) {
      return { tensor, layout: 'NCHW', channels: 1, height: fixed(second), width: fixed(third) }
    }
    if (third === 1 && areEdges(first, second)) {
      return { tensor, layout: 'NHWC', channels: 1, height: fixed(first), width: fixed(second) }
    }
  }
  return undefined
}

/** The ops behind an output. A file may name an output like a property that every object has. */
export const tailOf = (signature: ModelSignature, output: string): OutputTail | undefined =>
  Object.hasOwn(signature.tails, output) ? signature.tails[output] : undefined

/** Whether the last layers have exactly these widths, in any order. */
export const sameWidths = (layers: readonly number[], widths: readonly number[]): boolean =>
  layers.length === widths.length &&
  String([...layers].sort(ascending)) === String([...widths].sort(ascending))

const ascending = (a: number, b: number): number => a - b
