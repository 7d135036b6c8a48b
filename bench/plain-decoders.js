/**
 * Decoders of their own for files that nobody has noted boxes of, networks with random weights above all: the runtime, the
 * arithmetic of the published decoders in a few plain lines, and nothing of `src/`. The picture is made here, as large as
 * the input, so that no way of scaling comes between.
 *
 * source  ultralytics `utils/ops.py`, `utils/tal.py` dist2bbox; transformers `post_process_object_detection`
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'

const SCORE = 0.25
const OVERLAP = 0.7
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/** Which decoder a file of the folder `wild` is read by. */
export const PLAIN = {
  'hf-detr': { decode: detr, statistics: IMAGENET },
  'small-cut-three66': { decode: cutHead, statistics: undefined },
  'small-v3tiny': { decode: cells, statistics: undefined },
  'small-v8-p2': { decode: cells, statistics: undefined },
}

/** The picture, and the boxes in it by the decoder of the file: `{ x1, y1, x2, y2, score }`. */
export async function plainBoxes(path, { decode, statistics }) {
  const session = await InferenceSession.create(path)
  const [name] = session.inputNames
  const { shape } = session.inputMetadata[0]
  const [height, width] = shape.slice(2).map((edge) => (typeof edge === 'number' && edge > 0 ? edge : 320))
  const picture = madePicture(width, height)
  const data = new Float32Array(3 * width * height)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = picture.data[i * 3 + c] / 255
      data[c * width * height + i] =
        statistics === undefined ? value : (value - statistics.mean[c]) / statistics.std[c]
    }
  }
  const outputs = await session.run({ [name]: new Tensor('float32', data, [1, 3, height, width]) })
  await session.release()
  return { picture, boxes: decode(Object.values(outputs), { width, height }, outputs) }
}

/** Edges at many scales, as photos have them. */
function madePicture(width, height) {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = 48 >> Math.min(4, Math.floor((y * 5) / height))
      const seed = Math.floor(x / block) * 97 + Math.floor(y / block) * 57
      data[at++] = seed % 256
      data[at++] = (seed * 5) % 256
      data[at++] = (seed * 11) % 256
    }
  }
  return { width, height, data }
}

/** [1, 4 + classes, cells]: centre and size in pixels, a probability for each class. */
function cells([{ data, dims }]) {
  const [, channels, count] = dims
  const found = []
  for (let cell = 0; cell < count; cell++) {
    const at = (channel) => data[channel * count + cell]
    const scores = Array.from({ length: channels - 4 }, (_, c) => at(4 + c))
    const score = Math.max(...scores)
    const [x, y, w, h] = [0, 1, 2, 3].map(at)
    found.push({
      x1: x - w / 2,
      y1: y - h / 2,
      x2: x + w / 2,
      y2: y + h / 2,
      score,
      id: scores.indexOf(score),
    })
  }
  return suppressed(found)
}

/** Three maps [1, 64 + classes, h, w]: sixteen bins for each side, and a logit for each class. */
function cutHead(outputs, { width }) {
  const found = []
  for (const { data, dims } of outputs) {
    const [, channels, rows, columns] = dims
    const stride = width / columns
    for (let cell = 0; cell < rows * columns; cell++) {
      const at = (channel) => data[channel * rows * columns + cell]
      const side = (s) => {
        const weights = Array.from({ length: 16 }, (_, bin) => Math.exp(at(s * 16 + bin)))
        const sum = weights.reduce((a, b) => a + b)
        return (weights.reduce((total, weight, bin) => total + weight * bin, 0) / sum) * stride
      }
      const scores = Array.from({ length: channels - 64 }, (_, c) => 1 / (1 + Math.exp(-at(64 + c))))
      const score = Math.max(...scores)
      const x = ((cell % columns) + 0.5) * stride
      const y = (Math.floor(cell / columns) + 0.5) * stride
      const [l, t, r, b] = [0, 1, 2, 3].map(side)
      found.push({ x1: x - l, y1: y - t, x2: x + r, y2: y + b, score, id: scores.indexOf(score) })
    }
  }
  return suppressed(found)
}

/** Logits with "no object" last, and centre and size as fractions; a query is an object, and none is suppressed. */
function detr(_, { width, height }, { logits, pred_boxes: boxes }) {
  const [, queries, columns] = logits.dims
  const found = []
  for (let query = 0; query < queries; query++) {
    const row = Array.from(logits.data.subarray(query * columns, (query + 1) * columns), Math.exp)
    const sum = row.reduce((a, b) => a + b)
    const score = Math.max(...row.slice(0, -1)) / sum
    const [x, y, w, h] = boxes.data.subarray(query * 4, query * 4 + 4)
    found.push({
      x1: (x - w / 2) * width,
      y1: (y - h / 2) * height,
      x2: (x + w / 2) * width,
      y2: (y + h / 2) * height,
      score,
    })
  }
  return found.filter(({ score }) => score >= SCORE)
}

function suppressed(found) {
  const kept = []
  for (const box of found.filter(({ score }) => score >= SCORE).sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => other.id === box.id && overlap(other, box) > OVERLAP)) {
      kept.push(box)
    }
  }
  return kept
}

function overlap(a, b) {
  const w = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)
  const h = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1)
  const shared = Math.max(0, w) * Math.max(0, h)
  const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1)
  return shared / (area(a) + area(b) - shared)
}
