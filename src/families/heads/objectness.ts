import type { Candidates } from '../../boxes/detection.ts'
import type { DecodeContext, RoleTensors } from '../family.ts'
import { CandidateList } from './candidates.ts'
import { addCodedBox, boxUnits, takeClasses } from './rows.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from './values.ts'

/** Box and objectness before the class scores. */
export const FIXED_COLUMNS = 5

/**
 * Reads rows of a decoded head with objectness, which YOLOv5, YOLOv6, YOLOv7 and decoded YOLOX share:
 * four box values, objectness, one score per class; score = objectness × best class. Columns after the classes
 * (mask coefficients) are left to the caller, by the rows of the list.
 *
 * @throws BoxletError MODEL_OUTPUT when the rows are too short for the classes of the contract
 */
export function decodeObjectnessRows(outputs: RoleTensors, context: DecodeContext): CandidateList {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  const { classes, boxCode } = context.contract.output
  if (columns < FIXED_COLUMNS + classes) {
    throw mismatch(`${FIXED_COLUMNS + classes} columns for ${classes} classes`, `${columns}`)
  }
  const values = roleValues(outputs, 'predictions', context)
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    const objectness = values[at + 4]!
    if (objectness < context.minScore) {
      continue
    }
    takeClasses(values, at + FIXED_COLUMNS, objectness, context, (classId, score) =>
      addCodedBox(list, boxCode, units, values, at, score, classId, row),
    )
  }
  return list
}

/** The same without anything after the classes. */
export const decodeObjectness = (outputs: RoleTensors, context: DecodeContext): Candidates =>
  decodeObjectnessRows(outputs, context).finish('input')
