import { batchedNms } from './batched-nms.ts'
import { blazeface } from './blazeface.ts'
import { damoYolo } from './damo-yolo.ts'
import { detr } from './detr.ts'
import { detrDeploy } from './detr-deploy.ts'
import { efficientdet } from './efficientdet.ts'
import type { Family } from './family.ts'
import { fasterRcnnZoo } from './faster-rcnn-zoo.ts'
import { fastestdet } from './fastestdet.ts'
import { nanodet } from './nanodet.ts'
import { nanodetPlus } from './nanodet-plus.ts'
import { paddleRows } from './paddle-rows.ts'
import { picodet } from './picodet.ts'
import { rfDetr } from './rf-detr.ts'
import { rtdetrUltralytics } from './rtdetr-ultralytics.ts'
import { rtmdet } from './rtmdet.ts'
import { scrfd } from './scrfd.ts'
import { ssdZoo } from './ssd-zoo.ts'
import { tfDetection } from './tf-detection.ts'
import { torchvision } from './torchvision.ts'
import { ultraface } from './ultraface.ts'
import { yoloEnd2end } from './yolo-end2end.ts'
import { yoloFastestV2 } from './yolo-fastestv2.ts'
import { yoloNas } from './yolo-nas.ts'
import { yolov3Zoo } from './yolov3-zoo.ts'
import { yolov4Zoo } from './yolov4-zoo.ts'
import { yolov5 } from './yolov5.ts'
import { yolov5Raw } from './yolov5-raw.ts'
import { yolov6 } from './yolov6.ts'
import { yolov7End2end } from './yolov7-end2end.ts'
import { yolov8 } from './yolov8.ts'
import { yolov8Classify } from './yolov8-classify.ts'
import { yolov8Obb } from './yolov8-obb.ts'
import { yolov8Pose } from './yolov8-pose.ts'
import { yolov8Raw } from './yolov8-raw.ts'
import { yolov8Segment } from './yolov8-segment.ts'
import { yolov9 } from './yolov9.ts'
import { yolox } from './yolox.ts'
import { yunet } from './yunet.ts'
import { yunetPriors } from './yunet-priors.ts'

/** Every family that comes with Boxlet. Order decides nothing: recognition ranks them by confidence. */
export const KNOWN_FAMILIES: readonly Family[] = [
  yolov8,
  yolov8Raw,
  yolov8Segment,
  yolov8Pose,
  yolov8Obb,
  yolov8Classify,
  yolov9,
  yoloEnd2end,
  yolov5,
  yolov5Raw,
  yolov6,
  yolov7End2end,
  yolov3Zoo,
  yolov4Zoo,
  yolox,
  yoloNas,
  damoYolo,
  batchedNms,
  nanodet,
  nanodetPlus,
  picodet,
  paddleRows,
  rtmdet,
  torchvision,
  blazeface,
  detr,
  detrDeploy,
  rtdetrUltralytics,
  efficientdet,
  fasterRcnnZoo,
  fastestdet,
  rfDetr,
  scrfd,
  ssdZoo,
  tfDetection,
  ultraface,
  yoloFastestV2,
  yunet,
  yunetPriors,
]
