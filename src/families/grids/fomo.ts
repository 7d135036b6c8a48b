import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, noSuppression } from '../heads/describe.ts'
import { declaredMap, mapValues } from '../heads/maps.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { sameWidths, tailOf } from '../heads/shapes.ts'

const STRIDE = 8
/** Edge Impulse's own projects stop at a few dozen classes; a map of more is a segmentation. */
const MOST_CLASSES = 64
/** What may stand behind the last layer: a softmax and what moves values. */
const PLAIN_OPS = new Set([
  'Softmax',
  'Transpose',
  'Reshape',
  'Identity',
  'Cast',
  'QuantizeLinear',
  'DequantizeLinear',
])

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [255, 255, 255],
  geometry: stretch(),
  size: { width: 96, height: 96 },
  stride: STRIDE,
}

/**
 * FOMO of Edge Impulse: which of small cells an object lies in. There are no sizes in the model: a box is the cells
 * of one class that touch.
 *
 * cells   float [1, h, w, classes] or [1, classes, h, w], probabilities, stride 8, class 0 being background
 * options channelsLast
 * source  edgeimpulse/inferencing-sdk-cpp `ei_fill_result_struct.h`; docs.edgeimpulse.com "FOMO"
 * cost    a box shows where an object is and not how large it is, so overlaps with true boxes are small
 */
export const fomo: Family = {
  name: 'fomo',
  title: 'FOMO of Edge Impulse',
  recognise,
  decode,
  spareColumn: () => 'first',
}

interface Blob {
  x1: number
  y1: number
  x2: number
  y2: number
  classId: number
  score: number
  cell: number
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { classes } = context.contract.output
  const cells = mapValues(outputs, context, 'cells', classes, STRIDE)
  const blobs: Blob[] = []
  for (let cell = 0; cell < cells.across * cells.down; cell++) {
    const x1 = cell % cells.across
    const y1 = Math.floor(cell / cells.across)
    for (let classId = 1; classId < classes; classId++) {
      const score = cells.values[cell * cells.next + classId * cells.step]!
      if (score >= context.minScore) {
        join(blobs, { x1, y1, x2: x1 + 1, y2: y1 + 1, classId, score, cell })
      }
    }
  }
  const list = new CandidateList()
  for (const { x1, y1, x2, y2, score, classId, cell } of blobs) {
    list.add(x1 * STRIDE, y1 * STRIDE, x2 * STRIDE, y2 * STRIDE, score, classId, cell)
  }
  return list.finish('input')
}

/** Widens the first blob of its class that the cell touches, corners too, or begins one. */
function join(blobs: Blob[], cell: Blob): void {
  const touched = blobs.find(
    (blob) =>
      blob.classId === cell.classId &&
      cell.x1 <= blob.x2 &&
      cell.x2 >= blob.x1 &&
      cell.y1 <= blob.y2 &&
      cell.y2 >= blob.y1,
  )
  if (touched === undefined) {
    blobs.push(cell)
    return
  }
  touched.x1 = Math.min(touched.x1, cell.x1)
  touched.y1 = Math.min(touched.y1, cell.y1)
  touched.x2 = Math.max(touched.x2, cell.x2)
  touched.y2 = Math.max(touched.y2, cell.y2)
  touched.score = Math.max(touched.score, cell.score)
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const [output] = signature.outputs
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const map = declaredMap(output, described.input.size, STRIDE)
  if (map === undefined || signature.inputs.length > 1 || map.channels < 2 || map.channels > MOST_CLASSES) {
    return undefined
  }
  const tail = tailOf(signature, output.name)
  const isPlain =
    tail?.ops.includes('Softmax') &&
    tail.ops.every((op) => PLAIN_OPS.has(op)) &&
    sameWidths(tail.weightedChannels, [map.channels])
  const names = metadataLabels(signature.metadata)
  if (!isPlain || (names !== undefined && Math.abs(names.length - map.channels) > 1)) {
    return undefined
  }
  return describe(
    {
      family: 'fomo',
      confidence: 0.85,
      input: described.input,
      roles: { cells: output.name },
      boxCode: 'head',
      classes: map.channels,
      options: { channelsLast: map.channelsLast },
      score: 0.5,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          `background and ${map.channels - 1} classes for each cell of stride ${STRIDE}`,
          `one map of stride ${STRIDE} with a softmax right behind its last layer of ${map.channels} channels`,
          0.85,
        ),
        evidence(
          'input',
          `${described.input.colour} scaled to 0–1, stretched`,
          'Edge Impulse feeds it so',
          0.7,
        ),
      ],
    },
    signature.outputs,
  )
}
