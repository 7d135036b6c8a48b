import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import type { Detection } from '../boxes/detection.ts'
import { iou } from '../boxes/iou.ts'
import { Detector } from '../detector/detector.ts'

interface Observed {
  label: string
  score: number
  box: [number, number, number, number]
}
interface CorpusModel {
  file: string
  labels?: string
  observed?: Record<string, Observed[]>
  observedVoc?: Record<string, Observed[]>
}

const models: CorpusModel[] = hasCorpus
  ? JSON.parse(readFileSync(corpusPath('MANIFEST.json'), 'utf8')).models
  : []

/** Family of each file, which recognition has to find with no flags. */
const FAMILIES: Record<string, string> = {
  'yolox-nano.onnx': 'yolox',
  'nanodet-m-320.onnx': 'nanodet',
  'nanodet-m-416-int8-qoperator.onnx': 'nanodet',
  'yolov8n-640-int8-dynamic.onnx': 'yolov8',
  'yolov8n-640-int8-qdq.onnx': 'yolov8',
  'yolov8n-640-int8-qdq-dead-scores.onnx': 'yolov8',
  'yolov8n-seg-320-int8.onnx': 'yolov8-segment',
  'yolo11n-320-int8.onnx': 'yolov8',
  'yolo26n-640-int8-end2end.onnx': 'yolo-end2end',
  'deimv2-atto-320.onnx': 'detr-deploy',
  'deimv2-atto-320-int8.onnx': 'detr-deploy',
  'picodet-s-320.onnx': 'picodet',
  'yolo-fastestv2-352.onnx': 'yolo-fastestv2',
  'fastestdet-352.onnx': 'fastestdet',
  'fastestdet-512-flat.onnx': 'fastestdet',
  'ultraface-rfb-320.onnx': 'ultraface',
  'ultraface-slim-320-raw.onnx': 'ultraface',
  'yunet-n-dynamic.onnx': 'yunet',
  'yunet-120x160-priors.onnx': 'yunet-priors',
  'yolov5n-640-fp16-weights.onnx': 'yolov5',
  'yolox-nano-416-float16.tflite': 'yolox',
  'yolox-nano-416-dynamic-range.tflite': 'yolox',
  'yolov8n-224-full-integer.tflite': 'yolov8',
  'yolov5n-640-uint8.tflite': 'yolov5',
  'yolo26n-320-int8-end2end.tflite': 'yolo-end2end',
  'yolov8n-face-640-pose-int8.tflite': 'yolov8-pose',
  'ssd-mobilenet-v1-300-quant-metadata.tflite': 'tf-detection',
  'blazeface-back-256.tflite': 'blazeface',
  'yunet-120x160-full-integer.tflite': 'yunet-priors',
  'retinanet-bccd-384-icevision.onnx': 'torchvision',
  'retinanet-bccd-320-torchvision.onnx': 'torchvision',
}
/** Faces and blood cells have to agree in every box, general detectors in most: their notes are rough. */
const EVERY_BOX = new Set(['ultraface', 'yunet', 'yolov8-pose', 'blazeface', 'torchvision'])
const MOST = 0.8
/** Boxes noted from a picture that was stretched, where Boxlet keeps the aspect as MediaPipe does. */
const NOTED_STRETCHED = new Set(['blazeface-back-256.tflite'])
/** Files with no boxes noted, so that only their family is tested here; each has a reason. */
const WITHOUT_NOTES: Record<string, string> = {
  'yolov8n-640-int8-qdq-dead-scores.onnx': 'its scores are all 0',
  'ultraface-slim-320-raw.onnx': 'compared with the decoded file below',
  'yunet-120x160-priors.onnx': 'compared with the newer file below',
  'yunet-120x160-full-integer.tflite': 'its input leaves ten pixels of a face',
  'ssd-mobilenet-v1-300-quant-metadata.tflite': 'its boxes are noted nowhere',
}
const NOTED_SCORE = 0.5
const STRETCHED = { input: { geometry: { fit: 'stretch' } } } as never

describe.skipIf(!hasCorpus)('real models', () => {
  it.each(Object.entries(FAMILIES))('%s is a %s, and finds what was noted', async (name, family) => {
    const noted = models.find(({ file }) => file.endsWith(`/${name}`))!
    const labels = noted.labels === undefined ? {} : { labels: corpusPath(`models/${noted.labels}`) }
    const contract = NOTED_STRETCHED.has(name) ? { contract: STRETCHED } : {}
    await using detector = await Detector.load(corpusPath(noted.file), { ...labels, ...contract })
    expect(detector.model.family).toBe(family)
    expect(detector.model.evidence.find(({ about }) => about === 'family')?.confidence).toBeGreaterThan(0.6)
    const pictures = Object.entries(noted.observed ?? noted.observedVoc ?? {})
    const overlaps: number[] = []
    for (const [picture, boxes] of pictures) {
      const path = noted.observed ? `images/scenes/${picture}` : `voc/bccd/JPEGImages/${picture}.jpg`
      const { detections } = await detector.detect(corpusBytes(path), { minScore: 0.2 })
      const sure = boxes.filter(({ score }) => score >= NOTED_SCORE)
      for (const box of sure) {
        overlaps.push(bestOverlap(detections, box))
      }
    }
    // No overlaps would agree with anything.
    if (WITHOUT_NOTES[name] === undefined) {
      expect(overlaps.length).toBeGreaterThan(0)
    } else {
      expect(overlaps).toHaveLength(0)
    }
    const found = overlaps.filter((overlap) => overlap >= 0.6).length
    expect(found).toBeGreaterThanOrEqual(overlaps.length * (EVERY_BOX.has(family) ? 1 : MOST))
  })

  it('reads raw and decoded UltraFace files alike', async () => {
    const files = ['ultraface-rfb-320.onnx', 'ultraface-slim-320-raw.onnx']
    const [decoded, raw] = await Promise.all(files.map((file) => faces(file)))
    expect(decoded).toHaveLength(2)
    for (const face of decoded!) {
      expect(bestOverlap(raw!, noted(face))).toBeGreaterThan(0.6)
    }
  })

  it('reads YuNet of 2021 much as YuNet of 2023', async () => {
    const files = ['yunet-n-dynamic.onnx', 'yunet-120x160-priors.onnx']
    const [newer, older] = await Promise.all(files.map((file) => faces(file)))
    // An input of 160 × 120 leaves ten pixels of a face, so the boxes are coarse.
    for (const face of newer!.slice(0, 2)) {
      expect(bestOverlap(older!, noted(face))).toBeGreaterThan(0.6)
    }
  })

  it('refuses a suppression stage, which is no detector', async () => {
    const load = Detector.load(corpusPath('models/nms-stage-yolov8.onnx'))
    await expect(load).rejects.toMatchObject({ code: 'MODEL_UNRECOGNISED' })
  })
})

async function faces(file: string): Promise<Detection[]> {
  await using detector = await Detector.load(corpusPath(`models/${file}`))
  return (await detector.detect(corpusBytes('images/scenes/zidane.jpg'))).detections
}

const noted = ({ label, score, box }: Detection): Observed => ({
  label,
  score,
  box: [box.x1, box.y1, box.x2, box.y2],
})

function bestOverlap(detections: readonly Detection[], { label, box }: Observed): number {
  const [x1, y1, x2, y2] = box
  const same = detections.filter((detection) => detection.label === label)
  return Math.max(0, ...same.map((detection) => iou(detection.box, { x1, y1, x2, y2 })))
}
