import type { Size } from '../../boxes/box.ts'
import type { ContractInput, Geometry } from '../../model/contract.ts'
import type { ModelSignature } from '../../model/signature.ts'
import { defined } from '../../system/defined.ts'
import { type PictureInput, pictureInput } from './shapes.ts'
import { inputType } from './ultralytics.ts'

/** How a family of models was trained to see a picture. */
export interface Preprocess {
  colour: 'RGB' | 'BGR'
  /** On 0–255 values, in the order fed. */
  mean: [number, number, number]
  std: [number, number, number]
  geometry: Geometry
  /** Taken where the file leaves the size open. */
  size: Size
  /** Edges have to be multiples of this where the file takes any size. */
  stride: number
}

type Triple = [number, number, number]
const square = (edge: number): Size => ({ width: edge, height: edge })
const ZERO: Triple = [0, 0, 0]
const ONE: Triple = [1, 1, 1]
const BYTE: Triple = [255, 255, 255]
/** (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225) of ImageNet on 0–255. */
const IMAGENET_MEAN: Triple = [123.675, 116.28, 103.53]
const IMAGENET_STD: Triple = [58.395, 57.12, 57.375]

export const stretch = (resample: Geometry['resample'] = 'bilinear'): Geometry => ({
  fit: 'stretch',
  align: 'top-left',
  pad: ZERO,
  rounding: 'round',
  resample,
})

export const letterbox = (
  align: Geometry['align'],
  grey: number,
  rounding: Geometry['rounding'] = 'round',
  resample: Geometry['resample'] = 'bilinear',
): Geometry => ({ fit: 'letterbox', align, pad: [grey, grey, grey], rounding, resample })

/** Values met by more than one family; each decoder says where its own come from. */
export const PREPROCESS = {
  /** Ultralytics and what follows it: YOLOv5, v6, v7. */
  rgbUnitCentred: {
    colour: 'RGB',
    mean: ZERO,
    std: BYTE,
    geometry: letterbox('centre', 114),
    size: square(640),
    stride: 32,
  },
  /** RT-DETR, D-FINE, DEIM: Pillow smooths before it reduces, which `area` is nearest to. */
  rgbUnitStretch: {
    colour: 'RGB',
    mean: ZERO,
    std: BYTE,
    geometry: stretch('area'),
    size: square(640),
    stride: 32,
  },
  /** Paddle, RF-DETR, SSD of the ONNX zoo. */
  rgbImageNetStretch: {
    colour: 'RGB',
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    geometry: stretch(),
    size: square(640),
    stride: 32,
  },
  /** NanoDet, RTMDet: the ImageNet numbers with the channels turned round. */
  bgrImageNetStretch: {
    colour: 'BGR',
    mean: [103.53, 116.28, 123.675],
    std: [57.375, 57.12, 58.395],
    geometry: stretch(),
    size: square(320),
    stride: 32,
  },
  /** FastestDet, YOLO-FastestV2. */
  bgrUnitStretch: {
    colour: 'BGR',
    mean: ZERO,
    std: BYTE,
    geometry: stretch('area'),
    size: square(352),
    stride: 32,
  },
  /** YOLOX since 0.1.1. */
  bgrBytesTopLeft: {
    colour: 'BGR',
    mean: ZERO,
    std: ONE,
    geometry: letterbox('top-left', 114, 'floor'),
    size: square(640),
    stride: 32,
  },
  /** Raw bytes, sized inside the graph. */
  rgbBytesAsIs: {
    colour: 'RGB',
    mean: ZERO,
    std: ONE,
    geometry: { fit: 'none', align: 'top-left', pad: ZERO, rounding: 'round', resample: 'bilinear' },
    size: square(640),
    stride: 1,
  },
} as const satisfies Record<string, Preprocess>

export interface DescribedInput {
  picture: PictureInput
  input: ContractInput
}

/** Steps of an integer input below which the values of the family would be crushed to a handful of shades. */
const LEAST_STEPS = 16

/**
 * An integer input whose scale cannot hold the values that the family is fed, or whose steps are as wide as all of
 * them, takes the bytes of the picture: a converter has folded the scaling into it.
 */
function foldedScaling({ tensor }: PictureInput, mean: Triple, std: Triple): { mean: Triple; std: Triple } {
  const { quantization, type } = tensor
  if (quantization === undefined || (type !== 'uint8' && type !== 'int8')) {
    return { mean, std }
  }
  const { scale, zeroPoint } = quantization
  // The stored value of a black pixel, were the bytes fed as they are.
  const black = type === 'int8' ? -128 : 0
  const largestHeld = (black + 255 - zeroPoint) * scale
  const largestFed = (255 - mean[0]) / std[0]
  const steps = 255 / std[0] / scale
  if (largestFed <= 2 * largestHeld && steps >= LEAST_STEPS) {
    return { mean, std }
  }
  const shift = zeroPoint - black
  return { mean: [shift, shift, shift], std: [1 / scale, 1 / scale, 1 / scale] }
}

/**
 * A file of one size takes no other, whatever its family was trained with: a picture that would be scaled by its
 * short edge, or fed as it is, is stretched to that size.
 */
const fittedGeometry = (geometry: Geometry, isFixed: boolean): Geometry =>
  isFixed && (geometry.fit === 'shortest-edge' || geometry.fit === 'none')
    ? stretch(geometry.resample)
    : geometry

/** A file of one channel gets the brightness, scaled as the green channel of its family, which is nearest to it. */
const channelsOf = (
  { channels }: PictureInput,
  colour: Preprocess['colour'],
  mean: Triple,
  std: Triple,
): Pick<ContractInput, 'colour' | 'mean' | 'std'> =>
  channels === 1
    ? { colour: 'grey', mean: [mean[1], mean[1], mean[1]], std: [std[1], std[1], std[1]] }
    : { colour, mean: [...mean], std: [...std] }

/** The picture input of a file together with how its family is fed; undefined when no input takes a picture. */
export function describeInput(signature: ModelSignature, preprocess: Preprocess): DescribedInput | undefined {
  const picture = pictureInput(signature)
  if (picture === undefined) {
    return undefined
  }
  const { tensor, width, height, layout } = picture
  const { colour, size, stride } = preprocess
  const geometry = fittedGeometry(preprocess.geometry, width !== undefined && height !== undefined)
  const { mean, std } = foldedScaling(picture, preprocess.mean, preprocess.std)
  const isDynamic = width === undefined && height === undefined
  return {
    picture,
    input: {
      name: tensor.name,
      layout,
      dtype: inputType(picture),
      ...defined({ quantization: tensor.quantization }),
      size: { width: width ?? size.width, height: height ?? size.height },
      ...(isDynamic && stride > 1 && geometry.fit === 'letterbox' ? { dynamic: { stride } } : {}),
      ...channelsOf(picture, colour, mean, std),
      geometry: { ...geometry, pad: [...geometry.pad] },
    },
  }
}
