import type { Size } from '../boxes/box.ts'
import { type Letterbox, letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import type { Contract, ExtraInput } from '../model/contract.ts'
import type { Tensor, TensorData } from '../model/tensor.ts'
import { defined } from '../system/defined.ts'

/** Pixels of a model input: 1.5 GB as float32. A thin picture scaled by its short edge would ask for far more. */
const MAX_INPUT_PIXELS = 2 ** 27

/**
 * Where a picture of this size goes in the model input.
 *
 * @throws BoxletError IMAGE_TOO_LARGE when the input would be beyond `MAX_INPUT_PIXELS`
 */
export function fitPicture(image: Size, { input }: Contract): Letterbox {
  const { geometry, size, dynamic } = input
  const at = letterbox(image, size, {
    fit: geometry.fit,
    align: geometry.align,
    rounding: geometry.rounding,
    ...defined({ longestEdge: geometry.longestEdge }),
    ...(dynamic === undefined ? {} : { stride: dynamic.stride }),
  })
  const pixels = at.input.width * at.input.height
  if (pixels <= MAX_INPUT_PIXELS) {
    return at
  }
  throw new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${MAX_INPUT_PIXELS} pixels for the model input but received a picture that asks for ${pixels}.`,
    {
      hint: 'Send a smaller or less thin picture, or set input.geometry.longestEdge in the contract.',
    },
  )
}

/** Dimensions of the picture tensor, in the order of the layout. */
export function pictureDims(
  layout: Contract['input']['layout'],
  { width, height }: Size,
  batch: number,
): number[] {
  switch (layout) {
    case 'NCHW':
      return [batch, 3, height, width]
    case 'NHWC':
      return [batch, height, width, 3]
    case 'CHW':
      return [3, height, width]
    case 'HWC':
      return [height, width, 3]
  }
}

/**
 * The tensor of one input beside the picture.
 *
 * cost  height and width in the wrong order raise no error: boxes come out squeezed along one axis
 */
export function extraTensor(extra: ExtraInput, pictures: readonly Letterbox[]): Tensor {
  const { kind } = extra
  if (kind === 'pixel-mask') {
    return pixelMask(extra, pictures)
  }
  const values = pictures.flatMap((at) => pairOf(kind, at))
  return { type: extra.dtype, dims: [pictures.length, 2], data: typed(extra.dtype, values) }
}

function pairOf(kind: Exclude<ExtraInput['kind'], 'pixel-mask'>, at: Letterbox): [number, number] {
  switch (kind) {
    case 'orig-size-wh':
      return [at.image.width, at.image.height]
    case 'scale-factor-yx':
      return [at.scaleY, at.scaleX]
    case 'input-size-hw':
      return [at.input.height, at.input.width]
    case 'image-shape-hw':
      return [at.image.height, at.image.width]
  }
}

/** Ones where the picture lies, at the resolution that the file declares or at that of the input. */
function pixelMask(extra: ExtraInput, pictures: readonly Letterbox[]): Tensor {
  const { input } = pictures[0]!
  const rows = positive(extra.shape[1]) ?? input.height
  const columns = positive(extra.shape[2]) ?? input.width
  const values = new Array<number>(pictures.length * rows * columns).fill(0)
  pictures.forEach((at, i) => {
    const right = Math.ceil(((at.padX + at.content.width) * columns) / input.width)
    const bottom = Math.ceil(((at.padY + at.content.height) * rows) / input.height)
    const left = Math.floor((at.padX * columns) / input.width)
    for (let y = Math.floor((at.padY * rows) / input.height); y < bottom; y++) {
      const row = (i * rows + y) * columns
      values.fill(1, row + left, row + right)
    }
  })
  return { type: extra.dtype, dims: [pictures.length, rows, columns], data: typed(extra.dtype, values) }
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined

function typed(dtype: ExtraInput['dtype'], values: number[]): TensorData {
  if (dtype === 'int64') {
    return BigInt64Array.from(values, (value) => BigInt(Math.round(value)))
  }
  if (dtype === 'int32') {
    return Int32Array.from(values)
  }
  return Float32Array.from(values)
}
