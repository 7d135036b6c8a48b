import { alignColumns, megabytes, percent } from '../../../system/words.ts'
import type { ModelSource } from '../../source.ts'
import type { MeasuredQuantization } from '../measured.ts'
import { LEAST_GAIN, type Tried } from '../quantize.ts'

const METHODS = { minmax: 'min and max', percentile: 'percentile', mse: 'least error' } as const

export const wayOf = ({ method, floatParts }: Tried): string =>
  `${METHODS[method]}${floatParts === 0 ? '' : `, first ${floatParts} of 12 parts float`}`

/** One row for each way that was tried, as words. */
export const triedRows = ({ tried }: MeasuredQuantization): string[][] => [
  ['ranges by', 'F1 %', 'AP50', 'AP lost', 'ms', 'of float'],
  ...tried.map((one) => [
    wayOf(one),
    percent(one.f1),
    one.ap50.toFixed(3),
    one.ap === undefined ? '–' : (one.ap.before - one.ap.after).toFixed(4),
    one.ms.toFixed(1),
    one.ratio.toFixed(2),
  ]),
]

/** What came of it, as one sentence. */
export function verdictText({ given }: ModelSource, result: MeasuredQuantization): string {
  const { chosen, verdict, bytes, floatMs } = result
  const facts = `${megabytes(given)} MB became ${megabytes(bytes.length)} MB, ${floatMs.toFixed(1)} ms of a processor became ${chosen.ms.toFixed(1)} (${chosen.ratio.toFixed(2)})`
  if (verdict === 'slower') {
    return `This network gains nothing: it takes ${chosen.ratio.toFixed(2)} of the time in whole numbers, and less than ${LEAST_GAIN} is worth a new file. Nothing was written; "boxlet compress" makes the file smaller at the same speed.`
  }
  if (verdict === 'unlike') {
    return `No way of quantizing kept the detector: the best has an AP50 of ${chosen.ap50.toFixed(3)} against the float file. Nothing was written; "boxlet compress" makes the file smaller.`
  }
  return facts
}

export function quantizeText(source: ModelSource, result: MeasuredQuantization): string {
  const { chosen, layers } = result
  const agreed = `on ${chosen.pictures} pictures that were not calibrated on: agreement (F1) ${percent(chosen.f1)} %, AP50 against the float file ${chosen.ap50.toFixed(3)}`
  const lines = [
    ...alignColumns(triedRows(result), (column) => column > 0),
    '',
    `chosen: ${wayOf(chosen)}; ${layers.whole} of ${layers.all} convolutions in whole numbers`,
    agreed,
    ...(chosen.ap === undefined
      ? []
      : [`AP on the labels ${chosen.ap.before.toFixed(4)}, now ${chosen.ap.after.toFixed(4)}`]),
    verdictText(source, result),
  ]
  return lines.map((line) => (line === '' ? '\n' : `boxlet: ${line}\n`)).join('')
}
