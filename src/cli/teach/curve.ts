import { saveFile } from '../../system/save-file.ts'
import { limitTrain } from '../../training/data/divide.ts'
import type { Taught } from '../../training/job.ts'
import { CURVE_SHARES, type LearningCurve, learningCurve } from '../../training/report/learning-curve.ts'
import { namesOf } from '../../training/teach.ts'
import { measureBytes } from '../../training/validate.ts'
import { once, type TeachCall } from './once.ts'
import type { Teller } from './teller.ts'

/** The same recipe with fewer pictures, each judged on the validation pictures. */
export async function curveOf(call: TeachCall, whole: Taught, teller: Teller): Promise<LearningCurve> {
  const { set, values } = call
  const points: LearningCurve['points'] = []
  const all = set.division.train.images.length
  const measure = async ({ write, weights, recipe }: Taught, pictures: number) => {
    const { val } = set.division
    if (val !== undefined) {
      const file = write(weights, namesOf(set.labels))
      const { stats } = await measureBytes(file, `${call.stem}.curve.onnx`, saveFile, val, recipe.workers)
      points.push({ pictures, ap: stats.ap, ap50: stats.ap50 })
    }
  }
  await measure(whole, all)
  for (const share of CURVE_SHARES) {
    const pictures = Math.round(all * share)
    teller.say(`Learning from ${pictures} of ${all} pictures, for the learning curve.`)
    const division = limitTrain(set.division, pictures, values.seed)
    const less = await once(
      { ...call, values: { ...values, resume: false } },
      { ...set, division },
      `${call.stem}.curve`,
      (event) => teller.hear(event),
    )
    if (less?.endedBy === 'plan') {
      await measure(less, pictures)
    }
    await less?.forget()
  }
  return learningCurve(points)
}
