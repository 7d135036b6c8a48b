/** What `import 'boxlet/client'` gives: a Boxlet service over HTTP, for Node and browsers. */

export type { PixelBox, Size } from '../boxes/box.ts'
export type { Detection, Keypoint, Mask } from '../boxes/detection.ts'
export type { DetectResult } from '../detector/types.ts'
export { BoxletError, type ErrorCode } from '../errors.ts'
export {
  BoxletClient,
  type ClientOptions,
  type SearchQuery,
  type ServiceModel,
} from './client.ts'
export type { ServiceJob, ServiceJobs, SubmitOptions } from './jobs.ts'
export type { ServicePicture } from './pictures.ts'
export type { ServiceFoundPicture, ServiceJobPicture, ServiceResult } from './results.ts'
export type { ServiceDetectOptions } from './service-options.ts'
