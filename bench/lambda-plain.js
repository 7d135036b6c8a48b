/**
 * The plain way to detect on Lambda, as tutorials show it: libraries imported as they are, default threads,
 * default options, the file of the model as it was exported. `lambda-cold.js` packs this beside the libraries
 * of the target and measures Boxlet's package against it.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'

const SIZE = 640
const session = await InferenceSession.create(`${process.env.LAMBDA_TASK_ROOT}/model.onnx`)

export const handler = async (event) => {
  const image = sharp(Buffer.from(event.image, 'base64'))
  const { width, height } = await image.metadata()
  const pixels = await image
    .resize(SIZE, SIZE, { fit: 'contain', background: { r: 114, g: 114, b: 114 } })
    .removeAlpha()
    .raw()
    .toBuffer()
  const data = new Float32Array(3 * SIZE * SIZE)
  for (let i = 0; i < SIZE * SIZE; i++) {
    for (let channel = 0; channel < 3; channel++) {
      data[channel * SIZE * SIZE + i] = pixels[i * 3 + channel] / 255
    }
  }
  const outputs = await session.run({ images: new Tensor('float32', data, [1, 3, SIZE, SIZE]) })
  const { data: rows, dims } = outputs[session.outputNames[0]]
  const [, attributes, count] = dims
  const scale = Math.min(SIZE / width, SIZE / height)
  const [padX, padY] = [(SIZE - width * scale) / 2, (SIZE - height * scale) / 2]
  const found = []
  for (let i = 0; i < count; i++) {
    let best = 0
    let classId = -1
    for (let c = 4; c < attributes; c++) {
      const score = rows[c * count + i]
      if (score > best) {
        best = score
        classId = c - 4
      }
    }
    if (best < 0.25) {
      continue
    }
    const [cx, cy, w, h] = [0, 1, 2, 3].map((k) => rows[k * count + i])
    found.push({
      classId,
      score: best,
      box: [
        (cx - w / 2 - padX) / scale,
        (cy - h / 2 - padY) / scale,
        (cx + w / 2 - padX) / scale,
        (cy + h / 2 - padY) / scale,
      ],
    })
  }
  found.sort((a, b) => b.score - a.score)
  const kept = []
  for (const one of found) {
    if (kept.every((other) => other.classId !== one.classId || overlap(one.box, other.box) <= 0.7)) {
      kept.push(one)
    }
  }
  return { detections: kept }
}

function overlap(a, b) {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]))
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]))
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1])
  return (width * height) / (area(a) + area(b) - width * height)
}
