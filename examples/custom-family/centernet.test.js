import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Detector } from 'boxlet'
import './centernet.js'

test('a CenterNet file is recognised and read', async () => {
  // boats.onnx is a graph of 5 KB that always shows one boat: centre (34, 22), 24 × 16 pixels of its 64 × 64 input.
  const detector = await Detector.load(fileURLToPath(new URL('boats.onnx', import.meta.url)))
  assert.equal(detector.model.family, 'centernet')
  const { detections } = await detector.detect({
    width: 128,
    height: 128,
    data: new Uint8Array(128 * 128 * 3),
  })
  assert.equal(detections.length, 1)
  const [{ label, score, box }] = detections
  assert.equal(label, 'boat')
  assert.equal(score.toFixed(2), '0.90')
  assert.deepEqual(box, { x1: 44, y1: 28, x2: 92, y2: 60 })
  await detector.dispose()
})
