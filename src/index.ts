/** The public library of Boxlet. */

export type { PixelBox, RatioBox, Size } from './boxes/box.ts'
export { fromRatio, toRatio } from './boxes/box.ts'
export type { Candidates, Detection, Keypoint, Mask } from './boxes/detection.ts'
export { iou } from './boxes/iou.ts'
export type { Letterbox } from './boxes/letterbox.ts'
export type {
  DetectOptions,
  DetectorLike,
  DetectResult,
  ImageInput,
  ImageLimits,
  LoadOptions,
  ModelInfo,
  PictureInput,
  RgbImage,
  SliceOptions,
  Timings,
} from './detector/types.ts'
export { BoxletError, ERROR_CODES, type ErrorCode, type ErrorKind } from './errors.ts'
export type { DecodeContext, Family, Recognition, RoleTensors } from './families/family.ts'
export { CandidateList } from './families/heads/candidates.ts'
export { floats, type Tensor } from './families/heads/tensor.ts'
export { allFamilies, familyNamed, registerFamily } from './families/registry.ts'
export { drawDetections } from './image/draw/draw.ts'
export { verifyWebhook } from './jobs/webhook.ts'
export type { Contract, Evidence } from './model/contract.ts'
export type { ModelSignature, TensorInfo } from './model/signature.ts'
export { DetectorPool, type DetectorPoolOptions } from './pool/detector-pool.ts'
export { Detector } from './pool/pooled.ts'
