/** Label sets that models use without saying so. Index is the class id. */

/** The 80 classes of COCO in contiguous order, as most detectors number them. */
export const COCO_80: readonly string[] = [
  'person',
  'bicycle',
  'car',
  'motorcycle',
  'airplane',
  'bus',
  'train',
  'truck',
  'boat',
  'traffic light',
  'fire hydrant',
  'stop sign',
  'parking meter',
  'bench',
  'bird',
  'cat',
  'dog',
  'horse',
  'sheep',
  'cow',
  'elephant',
  'bear',
  'zebra',
  'giraffe',
  'backpack',
  'umbrella',
  'handbag',
  'tie',
  'suitcase',
  'frisbee',
  'skis',
  'snowboard',
  'sports ball',
  'kite',
  'baseball bat',
  'baseball glove',
  'skateboard',
  'surfboard',
  'tennis racket',
  'bottle',
  'wine glass',
  'cup',
  'fork',
  'knife',
  'spoon',
  'bowl',
  'banana',
  'apple',
  'sandwich',
  'orange',
  'broccoli',
  'carrot',
  'hot dog',
  'pizza',
  'donut',
  'cake',
  'chair',
  'couch',
  'potted plant',
  'bed',
  'dining table',
  'toilet',
  'tv',
  'laptop',
  'mouse',
  'remote',
  'keyboard',
  'cell phone',
  'microwave',
  'oven',
  'toaster',
  'sink',
  'refrigerator',
  'book',
  'clock',
  'vase',
  'scissors',
  'teddy bear',
  'hair drier',
  'toothbrush',
] // prettier-ignore

/** Ids of 1–90 that COCO never used. */
const COCO_GAPS = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83])

/** COCO's own category id (1–90, with gaps) of each contiguous class. */
export const COCO_SPARSE_IDS: readonly number[] = Array.from({ length: 90 }, (_, i) => i + 1).filter(
  (id) => !COCO_GAPS.has(id),
)

/** COCO's own ids as class ids, 0 being background: torchvision, RF-DETR, TF 1-based. */
export const COCO_91: readonly (string | null)[] = Array.from({ length: 91 }, (_, id) => {
  const at = COCO_SPARSE_IDS.indexOf(id)
  return at < 0 ? null : COCO_80[at]!
})

/** COCO's own ids less one: TF Lite detection models, whose label map starts after the background. */
export const COCO_90: readonly (string | null)[] = COCO_91.slice(1)
