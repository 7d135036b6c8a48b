import type { Size } from '../boxes/box.ts'
import type { Letterbox } from '../boxes/letterbox.ts'
import { type Contract, channelCount, type ExtraInput } from '../model/contract.ts'
import type { Tensor, TensorData } from '../model/tensor.ts'

/** One picture, ready to be fed. */
export interface PreparedPicture {
  letterbox: Letterbox
  /** As long as the input: width × height × channels values of the input's type and layout. */
  data: Float32Array | Uint16Array | Uint8Array | Int8Array
}

/**
 * The inputs of one run. Several pictures share a run when their inputs have one size; `batch` above their
 * number repeats the last, for files with a fixed batch axis.
 */
export function feeds(
  contract: Contract,
  pictures: readonly PreparedPicture[],
  batch = pictures.length,
): Map<string, Tensor> {
  const { input } = contract
  const first = pictures[0]!
  const placed = Array.from({ length: batch }, (_, i) => pictures[Math.min(i, pictures.length - 1)]!)
  const data = batch === 1 ? first.data : joined(placed.map((picture) => picture.data))
  const named = new Map<string, Tensor>([
    [
      input.name,
      {
        type: input.dtype,
        dims: pictureDims(input.layout, first.letterbox.input, batch, channelCount(input.colour)),
        data,
      },
    ],
  ])
  for (const extra of contract.extraInputs) {
    named.set(
      extra.name,
      extraTensor(
        extra,
        placed.map(({ letterbox }) => letterbox),
      ),
    )
  }
  return named
}

function joined(parts: readonly PreparedPicture['data'][]): PreparedPicture['data'] {
  const first = parts[0]!
  const Kind = first.constructor as new (length: number) => typeof first
  const whole = new Kind(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Dimensions of the picture tensor, in the order of the layout. */
export function pictureDims(
  layout: Contract['input']['layout'],
  { width, height }: Size,
  batch: number,
  channels = 3,
): number[] {
  switch (layout) {
    case 'NCHW':
      return [batch, channels, height, width]
    case 'NHWC':
      return [batch, height, width, channels]
    case 'CHW':
      return [channels, height, width]
    case 'HWC':
      return [height, width, channels]
  }
}

/**
 * The tensor of one input beside the picture.
 *
 * cost  height and width in the wrong order raise no error: boxes come out squeezed along one axis
 */
function extraTensor(extra: ExtraInput, pictures: readonly Letterbox[]): Tensor {
  const { kind } = extra
  if (kind === 'pixel-mask') {
    return pixelMask(extra, pictures)
  }
  const values = pictures.flatMap((letterbox) => pairOf(kind, letterbox))
  return { type: extra.dtype, dims: [pictures.length, 2], data: typed(extra.dtype, values) }
}

function pairOf(
  kind: Exclude<ExtraInput['kind'], 'pixel-mask'>,
  { image, input, scaleX, scaleY }: Letterbox,
): [number, number] {
  switch (kind) {
    case 'orig-size-wh':
      return [image.width, image.height]
    case 'scale-factor-yx':
      return [scaleY, scaleX]
    case 'input-size-hw':
      return [input.height, input.width]
    case 'image-shape-hw':
      return [image.height, image.width]
  }
}

/** Ones where the picture lies, at the resolution that the file declares or at that of the input. */
function pixelMask(extra: ExtraInput, pictures: readonly Letterbox[]): Tensor {
  const { input } = pictures[0]!
  const rows = positive(extra.shape[1]) ?? input.height
  const columns = positive(extra.shape[2]) ?? input.width
  const values = new Array<number>(pictures.length * rows * columns).fill(0)
  pictures.forEach(({ content, padX, padY }, i) => {
    const right = Math.ceil(((padX + content.width) * columns) / input.width)
    const bottom = Math.ceil(((padY + content.height) * rows) / input.height)
    const left = Math.floor((padX * columns) / input.width)
    for (let y = Math.floor((padY * rows) / input.height); y < bottom; y++) {
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
