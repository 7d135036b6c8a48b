import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression } from '../heads/describe.ts'
import { stretch } from '../heads/preprocess.ts'
import { addCodedBox, argmax, boxUnits } from '../heads/rows.ts'
import { gridCells } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const BOX_COLUMNS = 4
const MAX_QUERIES = 1_000
/** Heads of RT-DETR and D-FINE of their authors, as a converted checkpoint names them: trained on pictures shrunk by areas. */
const AUTHORS_HEADS = ['RTDETRTransformer', 'DFINETransformer']
const QUERY_HEADS = ['RTDETRDecoder', ...AUTHORS_HEADS]

/**
 * RT-DETR as Ultralytics exported it until 2026: a row for each query. Later files give rows of six and are
 * read by `yolo-end2end`. Converted checkpoints of RT-DETR and D-FINE have these rows, too.
 *
 * predictions  float [1, queries, 4 + classes]: centre x, centre y, width, height as fractions of the model
 *              input, then class scores already 0–1
 * source       ultralytics `nn/modules/head.py` RTDETRDecoder.forward, `models/rtdetr/predict.py`
 * cost         taken for a YOLOv8 head of pixels, every box lies in the first pixel
 */
export const rtdetrUltralytics: Family = {
  name: 'rtdetr-ultralytics',
  title: 'RT-DETR of Ultralytics',
  recognise,
  decode(outputs, context) {
    const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
    const { classes, boxCode } = context.contract.output
    if (columns !== BOX_COLUMNS + classes) {
      throw mismatch(`${BOX_COLUMNS + classes} columns`, `${columns}`)
    }
    const values = roleValues(outputs, 'predictions', context)
    const units = boxUnits(context)
    const list = new CandidateList()
    for (let row = 0, at = 0; row < rows; row++, at += columns) {
      const classId = argmax(values, at + BOX_COLUMNS, classes)
      const score = values[at + BOX_COLUMNS + classId]!
      if (score >= context.minScore) {
        addCodedBox(list, boxCode, units, values, at, score, classId, row)
      }
    }
    return list.finish('input')
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns === undefined || columns <= BOX_COLUMNS || (rows !== undefined && rows > MAX_QUERIES)) {
    return undefined
  }
  const classes = columns - BOX_COLUMNS
  const names = metadataLabels(signature.metadata)
  const { description = '', head = '' } = signature.metadata
  const isNamed = /rt-?detr/i.test(description) || QUERY_HEADS.includes(head)
  const cells = [8, 16, 32].map((_, i, strides) => gridCells(common.input.size, strides.slice(0, i + 1)))
  if (!isNamed && rows !== undefined && cells.includes(rows)) {
    return undefined
  }
  if (!isNamed && names?.length !== classes) {
    return undefined
  }
  if (names !== undefined && names.length !== classes) {
    return undefined
  }
  return describe(
    {
      family: 'rtdetr-ultralytics',
      // Above YOLOv8, whose head may have as many rows and columns.
      confidence: isNamed ? 0.99 : 0.75,
      input: { ...common.input, geometry: stretch(AUTHORS_HEADS.includes(head) ? 'area' : 'bilinear') },
      roles: { predictions: output.name },
      boxCode: 'cxcywh',
      boxUnits: 'ratio',
      classes,
      score: 0.25,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          `centre and size in fractions and ${classes} class scores for each query`,
          isNamed
            ? `the metadata names ${head === '' ? 'RT-DETR' : head}`
            : `${rows ?? 'so few'} rows are queries, not grid cells, and the metadata names ${classes} classes`,
          isNamed ? 0.97 : 0.8,
        ),
        evidence(
          'suppression',
          'none: each query is one object',
          'the family is trained without suppression',
          0.95,
        ),
        evidence('input', 'RGB scaled to 0–1, stretched', 'RT-DETR is trained so', 0.9),
      ],
    },
    signature.outputs,
  )
}
