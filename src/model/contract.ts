/**
 * The contract of a model: everything that the file does not say by itself, as data. It is inferred with
 * evidence, stored as JSON beside the model, editable, and checked by `contract-schema.ts`.
 */

export type Task = 'detect' | 'segment' | 'pose' | 'obb' | 'classify'
export type Layout = 'NCHW' | 'NHWC' | 'CHW' | 'HWC'
export type InputType = 'float32' | 'float16' | 'uint8' | 'int8'

/** What the channels are: three of colour in either order, or one of brightness. */
export type Colour = 'RGB' | 'BGR' | 'grey'

export const channelCount = (colour: Colour): number => (colour === 'grey' ? 1 : 3)

/** How a picture is laid into the model input. */
export interface Geometry {
  /**
   * letterbox: keep the aspect and pad; stretch: do not keep it; shortest-edge: scale so that the short edge
   * is `size` with the long one at most `longestEdge`; none: feed the picture as it is.
   */
  fit: 'letterbox' | 'stretch' | 'shortest-edge' | 'none'
  /** Where a letterboxed picture lies. */
  align: 'centre' | 'top-left'
  /** Red, green and blue 0–255 of the padding. */
  pad: [number, number, number]
  /** How the resized edge is made whole: Ultralytics rounds, YOLOX cuts. Wrong by one shifts every box. */
  rounding: 'round' | 'floor'
  resample: 'bilinear' | 'bicubic' | 'area' | 'nearest'
  longestEdge?: number
}

export interface ContractInput {
  /** Tensor name. */
  name: string
  layout: Layout
  dtype: InputType
  /** For integer inputs: real = (stored − zeroPoint) · scale, applied after mean and std. */
  quantization?: { scale: number; zeroPoint: number }
  /** Pixels. For a dynamic input, the size to aim at. */
  size: { width: number; height: number }
  /** Present when the file takes any size that is a multiple of `stride`; the padding is then kept small. */
  dynamic?: { stride: number }
  colour: Colour
  /** Per channel in the order fed, on 0–255 values: fed = (pixel − mean) / std; of a grey input the first counts. */
  mean: [number, number, number]
  std: [number, number, number]
  geometry: Geometry
}

/** Inputs beside the picture, by what they mean. */
export type ExtraInputKind =
  | 'orig-size-wh' // int64 [B,2] width, height of the original picture (RT-DETR, D-FINE, DEIM)
  | 'scale-factor-yx' // float [B,2] vertical, horizontal scale (Paddle)
  | 'input-size-hw' // float [B,2] height, width of the model input (Paddle im_shape)
  | 'image-shape-hw' // float [1,2] height, width of the original picture (YOLOv3 of the ONNX zoo)
  | 'pixel-mask' // int64 [B,h,w] ones where the picture lies (DETR)
export interface ExtraInput {
  name: string
  kind: ExtraInputKind
  dtype: 'float32' | 'int64' | 'int32'
  shape: number[]
}

export interface ContractOutput {
  /** Tensor name for each role that the family reads, e.g. `{ "predictions": "output0" }`. */
  roles: Record<string, string>
  /** Corner or centre form of the boxes; raw heads name their own code. */
  boxCode: 'xyxy' | 'cxcywh' | 'yxyx' | 'xywh' | 'head'
  boxUnits: 'pixels' | 'ratio'
  /** Whether pixels are those of the model input or already of the original picture. */
  frame: 'input' | 'image'
  scoreActivation: 'none' | 'sigmoid' | 'softmax'
  /** Number of class scores per prediction, background included where the model has it. */
  classes: number
  /** What only this family needs, e.g. strides or anchors. */
  options: Record<string, unknown>
}

/** Upper end of the range of `maxDetections`: above what any head gives, and still a bound. */
export const MAX_DETECTIONS = 100_000

export interface Suppression {
  /** none: the model's boxes are final, and removing overlaps again would lose real objects. */
  kind: 'none' | 'per-class' | 'across-classes'
  /** A box goes when its IoU with a better one is above this. */
  iou: number
  maxDetections: number
}

export type LicenceClass = 'permissive' | 'copyleft' | 'non-commercial' | 'unknown'
export interface Licence {
  /** SPDX identifier where there is one. */
  name: string
  class: LicenceClass
}

export interface Contract {
  $schema?: string
  version: 1
  name: string
  /** Name of the decoder, e.g. `yolov8`. */
  family: string
  task: Task
  input: ContractInput
  extraInputs: ExtraInput[]
  output: ContractOutput
  /** Index is the model's class id; null for ids without a class, such as background. */
  labels: (string | null)[]
  thresholds: { score: number; perClass?: Record<string, number> }
  suppression: Suppression
  licence?: Licence
}

/** One conclusion about a model, and why. */
export interface Evidence {
  /** Which part of the contract, e.g. `input.colour`. */
  about: string
  conclusion: string
  because: string
  /** 0–1; below 0.5 it is a guess that the user should look at. */
  confidence: number
}
