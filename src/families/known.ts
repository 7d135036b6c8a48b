import { fastestdet } from './anchor-free/fastestdet.ts'
import { nanodet } from './anchor-free/nanodet.ts'
import { nanodetPlus } from './anchor-free/nanodet-plus.ts'
import { picodet } from './anchor-free/picodet.ts'
import { rtmdet } from './anchor-free/rtmdet.ts'
import { batchedNms } from './anchors/batched-nms.ts'
import { efficientdet } from './anchors/efficientdet.ts'
import { fasterRcnnZoo } from './anchors/faster-rcnn-zoo.ts'
import { finalBoxes } from './anchors/final-boxes.ts'
import { paddleRows } from './anchors/paddle-rows.ts'
import { ssdZoo } from './anchors/ssd-zoo.ts'
import { tfDetection } from './anchors/tf-detection.ts'
import { torchvision } from './anchors/torchvision.ts'
import { detr } from './detr/detr.ts'
import { detrDeploy } from './detr/detr-deploy.ts'
import { rfDetr } from './detr/rf-detr.ts'
import { rtdetrUltralytics } from './detr/rtdetr-ultralytics.ts'
import { centerface } from './faces/centerface.ts'
import { dbface } from './faces/dbface.ts'
import { retinaface } from './faces/retinaface.ts'
import { scrfd } from './faces/scrfd.ts'
import { ultraface } from './faces/ultraface.ts'
import { yunet } from './faces/yunet.ts'
import { yunetPriors } from './faces/yunet-priors.ts'
import type { Family } from './family.ts'
import { fomo } from './grids/fomo.ts'
import { yolov2 } from './grids/yolov2.ts'
import { blazeface } from './mediapipe/blazeface.ts'
import { modelMaker } from './mediapipe/model-maker.ts'
import { palm } from './mediapipe/palm.ts'
import { poseDetection } from './mediapipe/pose.ts'
import { damoYolo } from './yolo/damo-yolo.ts'
import { yoloEnd2end } from './yolo/yolo-end2end.ts'
import { yoloFastestV2 } from './yolo/yolo-fastestv2.ts'
import { yoloNas } from './yolo/yolo-nas.ts'
import { yolov3Zoo } from './yolo/yolov3-zoo.ts'
import { yolov4Zoo } from './yolo/yolov4-zoo.ts'
import { yolov5 } from './yolo/yolov5.ts'
import { yolov5Raw } from './yolo/yolov5-raw.ts'
import { yolov6 } from './yolo/yolov6.ts'
import { yolov7End2end } from './yolo/yolov7-end2end.ts'
import { yolov8 } from './yolo/yolov8.ts'
import { yolov8Classify } from './yolo/yolov8-classify.ts'
import { yolov8Obb } from './yolo/yolov8-obb.ts'
import { yolov8Pose } from './yolo/yolov8-pose.ts'
import { yolov8Raw } from './yolo/yolov8-raw.ts'
import { yolov8Segment } from './yolo/yolov8-segment.ts'
import { yolov9 } from './yolo/yolov9.ts'
import { yolox } from './yolo/yolox.ts'

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
  finalBoxes,
  blazeface,
  palm,
  poseDetection,
  modelMaker,
  retinaface,
  centerface,
  dbface,
  fomo,
  yolov2,
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
