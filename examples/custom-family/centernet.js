// @ts-check
import { BoxletError, CandidateList, floats, registerFamily } from 'boxlet'

/** @import { DecodeContext, Family, ModelSignature, Recognition, RoleTensors } from 'boxlet' */

/** A label set of one's own; index is the class id. */
export const LABELS = ['boat', 'buoy']

/** CenterNet looks at every fourth pixel. */
const STRIDE = 4

/**
 * CenterNet: a heat map with a peak in the middle of each object, and its size beside it.
 *
 * heat    float [1, classes, h, w], 0–1, h and w a quarter of the input
 * size    float [1, 2, h, w], width and height in cells
 * offset  float [1, 2, h, w], from the corner of the cell to the middle of the object, in cells
 * source  xingyizhou/CenterNet `src/lib/models/decode.py` ctdet_decode
 * cost    cells beside a peak are objects too if no neighbour is looked at
 *
 * @type {Family}
 */
export const centernet = { name: 'centernet', title: 'CenterNet', recognise, decode }

registerFamily(centernet)

/**
 * Three maps of a quarter of the input, two of them with two channels.
 *
 * @param {ModelSignature} signature
 * @returns {Recognition | undefined}
 */
function recognise({ inputs, outputs }) {
  const [input] = inputs
  const [heat, size, offset] = outputs
  const [, channels, height, width] = input?.shape ?? []
  if (!input || !heat || inputs.length !== 1 || outputs.length !== 3 || channels !== 3) {
    return undefined
  }
  if (typeof width !== 'number' || typeof height !== 'number') {
    return undefined
  }
  const isMap = outputs.every(({ shape }) => shape?.[2] === height / STRIDE && shape[3] === width / STRIDE)
  const classes = heat.shape?.[1]
  if (!isMap || size?.shape?.[1] !== 2 || offset?.shape?.[1] !== 2 || typeof classes !== 'number') {
    return undefined
  }
  return {
    confidence: 0.9,
    ...(classes === LABELS.length ? { labels: LABELS } : {}),
    contract: {
      family: 'centernet',
      task: 'detect',
      input: {
        name: input.name,
        layout: 'NCHW',
        dtype: 'float32',
        size: { width, height },
        colour: 'BGR',
        mean: [104.01, 114.03, 119.92],
        std: [73.65, 69.89, 70.91],
        geometry: {
          fit: 'letterbox',
          align: 'centre',
          pad: [0, 0, 0],
          rounding: 'round',
          resample: 'bilinear',
        },
      },
      extraInputs: [],
      output: {
        roles: { heat: heat.name, size: size.name, offset: offset.name },
        boxCode: 'head',
        boxUnits: 'pixels',
        frame: 'input',
        scoreActivation: 'none',
        classes,
        options: {},
      },
      thresholds: { score: 0.3 },
      suppression: { kind: 'none', iou: 1, maxDetections: 100 },
    },
    evidence: [
      {
        about: 'output',
        conclusion: `a heat map of ${classes} classes with sizes and offsets`,
        because: 'three maps of a quarter of the input, two of them with two channels',
        confidence: 0.9,
      },
      {
        about: 'input',
        conclusion: 'BGR with the COCO mean and deviation of CenterNet, centred letterbox',
        because: 'CenterNet is trained so',
        confidence: 0.8,
      },
    ],
  }
}

/**
 * @param {RoleTensors} outputs
 * @param {DecodeContext} context
 */
function decode(outputs, context) {
  const { heat: map, size: sizes, offset: offsets } = outputs
  if (!map || !sizes || !offsets) {
    throw new BoxletError('MODEL_OUTPUT', 'Expected heat, size and offset maps but one of them is missing.')
  }
  const heat = floats(map)
  const size = floats(sizes)
  const offset = floats(offsets)
  const [, classes, height, width] = /** @type {[number, number, number, number]} */ (map.dims)
  const cells = width * height
  const list = new CandidateList()
  for (let classId = 0; classId < classes; classId++) {
    for (let cell = 0; cell < cells; cell++) {
      const score = heat[classId * cells + cell]
      if (score < context.minScore || !isPeak(heat, classId * cells, cell, width, height)) {
        continue
      }
      const x = ((cell % width) + offset[cell]) * STRIDE
      const y = (Math.floor(cell / width) + offset[cells + cell]) * STRIDE
      const halfWidth = (size[cell] * STRIDE) / 2
      const halfHeight = (size[cells + cell] * STRIDE) / 2
      list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, cell)
    }
  }
  return list.finish('input')
}

/**
 * Whether no neighbour of the cell is hotter: what a 3 × 3 maximum filter leaves.
 *
 * @param {Float32Array} heat
 * @param {number} from
 * @param {number} cell
 * @param {number} width
 * @param {number} height
 */
function isPeak(heat, from, cell, width, height) {
  const x = cell % width
  const y = Math.floor(cell / width)
  const score = heat[from + cell]
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      if (heat[from + v * width + u] > score) {
        return false
      }
    }
  }
  return true
}
