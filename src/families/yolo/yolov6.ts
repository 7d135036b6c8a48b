import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { declaredAxes, describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { decodeObjectness, FIXED_COLUMNS } from '../heads/objectness.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { gridCells, tailOf } from '../heads/shapes.ts'

const STRIDES = [8, 16, 32]
const STRIDES_P6 = [8, 16, 32, 64]

/**
 * YOLOv6 as `deploy/ONNX/export_onnx.py` writes it.
 *
 * predictions  float [1, cells, 5 + classes], cells over strides 8, 16, 32 (and 64): centre x, centre y, width,
 *              height in model-input pixels, an objectness that is always 1, classes already 0–1
 * source       meituan/YOLOv6 `yolov6/models/heads/effidehead_distill_ns.py` Detect.forward
 * cost         read as raw YOLOX of the same shape every box is exponential nonsense. Files made with
 *              `--with-preprocess` want BGR 0–255 and give weak scores with anything else.
 */
export const yolov6: Family = {
  name: 'yolov6',
  title: 'YOLOv6',
  recognise,
  decode: decodeObjectness,
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.rgbUnitCentred)
  const output = signature.outputs[0]
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns === undefined || columns <= FIXED_COLUMNS) {
    return undefined
  }
  const classes = columns - FIXED_COLUMNS
  const { size } = described.input
  const rowsFit = [STRIDES, STRIDES_P6].some((strides) => gridCells(size, strides) === rows)
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  // Class and box layers without one for objectness; the box layer holds 4 sides of 1 or 17 bins.
  const hasTwoLayers =
    layers.includes(classes) && !layers.includes(1) && layers.some((width) => width % 4 === 0)
  if (!rowsFit && !(rows === undefined && hasTwoLayers)) {
    return undefined
  }
  if (!namesFit(signature, classes)) {
    return undefined
  }
  return describe(
    {
      family: 'yolov6',
      confidence: hasTwoLayers ? 0.95 : output.name === 'outputs' ? 0.75 : 0.55,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: 'cxcywh',
      boxUnits: signature.format === 'tflite' ? 'ratio' : 'pixels',
      classes,
      score: 0.4,
      suppression: perClass(0.45),
      evidence: [
        evidence(
          'output',
          `centre, size, a constant and ${classes} class scores per grid cell`,
          hasTwoLayers
            ? 'the last layers have class and box channels but none for objectness'
            : `as many rows as cells and the output is named "${output.name}"; YOLOX looks the same`,
          hasTwoLayers ? 0.95 : 0.55,
        ),
        evidence(
          'input',
          'RGB scaled to 0–1, centred letterbox padded with 114',
          'YOLOv6 is trained so; a file made with --with-preprocess wants BGR 0–255 instead',
          0.75,
        ),
      ],
    },
    signature.outputs,
  )
}
