import { extname } from 'node:path'
import { PRICES } from '../../aws/cost/prices.ts'
import { BoxletError } from '../../errors.ts'
import { defaultThreads } from '../../runtime/processors.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import type { Checked } from '../../training/data/check.ts'
import { limitTrain } from '../../training/data/divide.ts'
import { nearDuplicates } from '../../training/data/near-duplicates.ts'
import { finish, partsOf } from '../../training/finish.ts'
import type { Taught, TeachEvent } from '../../training/job.ts'
import type { BaseFile } from '../../training/model/base.ts'
import type { Settings } from '../../training/plan.ts'
import type { TaughtFacts } from '../../training/report/facts.ts'
import { taughtJson } from '../../training/report/json.ts'
import { CURVE_SHARES, type LearningCurve, learningCurve } from '../../training/report/learning-curve.ts'
import { partsText, taughtText } from '../../training/report/text.ts'
import type { History } from '../../training/run/history.ts'
import { namesOf, teach } from '../../training/teach.ts'
import { measureBytes } from '../../training/validate.ts'
import type { ExitCode, Io, Call as VerbCall } from '../kit/verb.ts'
import { commandFor } from './command.ts'
import { checkOut, readBase, readSet } from './inputs.ts'
import type { TEACH_OPTIONS, TeachValues } from './options.ts'
import { Teller } from './teller.ts'

/** What all runs of one call have in common. */
interface Call {
  path: string
  out: string
  /** `out` without its ending: files beside it start with this. */
  stem: string
  values: TeachValues
  base: BaseFile
  set: Checked
  io: Io
}

export async function runTeach(
  { values, inputs }: VerbCall<typeof TEACH_OPTIONS>,
  io: Io,
): Promise<ExitCode> {
  const path = inputs[0]!
  if (values.epochs !== undefined && values.minutes !== undefined) {
    throw new BoxletError('USAGE', 'Expected --epochs or --minutes but received both.')
  }
  const out = values.out
  if (extname(out) !== '.onnx') {
    throw new BoxletError('USAGE', `Expected a name ending in .onnx for --out but received "${out}".`)
  }
  if (!values.preview) {
    await checkOut(out, values.force === true || values.resume === true)
  }
  const base = await readBase(values, io)
  const set = await readSet(path, values, io)
  const call = { path, out, stem: out.slice(0, -'.onnx'.length), values, base, set, io }
  const teller = await Teller.open(call.stem, set.labels, values, io)
  let words = 'The run has ended early: the terminal says why.'
  try {
    const code = await run(call, teller)
    words = `The run is over. The report is ${call.stem}.report.html.`
    return code
  } finally {
    await teller.close(words)
  }
}

async function run(call: Call, teller: Teller): Promise<ExitCode> {
  const { set, values, io, stem, out } = call
  const { train, val, test } = set.division
  teller.say(partsText(partsOf(set.division)))
  for (const note of set.notes) {
    teller.say(note)
  }
  const duplicates = await nearDuplicates(train, { val, test }, io.signal)
  for (const { train: learned, other, part } of duplicates) {
    teller.say(`${other} of "${part}" is nearly the same picture as ${learned}, which is learned from.`)
  }
  const taught = await once(call, call.set, stem, (event) => teller.hear(event))
  if (taught === undefined) {
    return 0
  }
  const command = commandFor(call.path, out, values, taught.recipe, train.images.length)
  // A person who stopped the run wants the file; a second Ctrl-C ends the process.
  const signal = taught.endedBy === 'asked' ? {} : { signal: io.signal }
  const finished = await finish({
    taught,
    out,
    stem,
    base: call.base,
    labels: set.labels,
    division: set.division,
    command,
    ...signal,
  })
  const facts: TaughtFacts = {
    file: out,
    base: { name: call.base.name, sha256: call.base.sha256, licence: call.base.licence?.name ?? null },
    labels: set.labels,
    recipe: taught.recipe,
    step: taught.step,
    endedBy: taught.endedBy,
    weightsStep: taught.weightsStep,
    history: withEnd(taught, finished.validation),
    seconds: taught.history.seconds,
    picturesPerSecond: taught.pictures / Math.max(1e-3, taught.seconds),
    memory: taught.memory,
    duplicates,
    notes: set.notes,
    curve: values.curve && taught.endedBy !== 'asked' ? await curveOf(call, taught, teller) : undefined,
    prices: { ...PRICES.customLabels, asOf: PRICES.asOf },
    command,
    ...finished,
  }
  await writeReports(facts, stem)
  io.stdout.write(
    values.format === 'json' ? `${JSON.stringify(taughtJson(facts), null, 1)}\n` : taughtText(facts),
  )
  teller.say(`The model is ${out}, the report ${stem}.report.html.`)
  return taught.endedBy === 'asked' ? 1 : 0
}

/** The course with the written file as its last point. */
const withEnd = (
  { history, weightsStep }: Taught,
  validation: { ap: number; ap50: number } | undefined,
): History =>
  validation === undefined || (history.validations.at(-1)?.step ?? 0) >= weightsStep
    ? history
    : { ...history, validations: [...history.validations, { step: weightsStep, ...validation }] }

/** One run; undefined when only the first inputs were asked for. */
async function once(
  { base, values, io }: Call,
  { division, labels }: Checked,
  stem: string,
  onEvent: (event: TeachEvent) => Promise<void>,
): Promise<Taught | undefined> {
  const stop = new AbortController()
  try {
    return await teach({
      base,
      labels,
      train: division.train,
      val: division.val,
      settings: settingsOf(values, labels),
      stem,
      resume: values.resume === true,
      signal: AbortSignal.any([io.signal, stop.signal]),
      async onEvent(event) {
        if (event.kind === 'planned' && values.preview) {
          const { previewPage } = await import('../../training/report/preview.ts')
          const { recipe, pictures, format } = event
          await saveFile(`${stem}.preview.html`, await previewPage(recipe, pictures, format, labels))
          io.stderr.write(`boxlet: the first inputs are drawn in ${stem}.preview.html\n`)
          stop.abort()
          return
        }
        await onEvent(event)
      },
    })
  } catch (error) {
    if (stop.signal.aborted && !io.signal.aborted) {
      return undefined
    }
    throw error
  }
}

function settingsOf(values: TeachValues, labels: readonly string[]): Settings {
  const { size, epochs, minutes, learn, rate, batch, mosaic } = values
  return {
    seed: values.seed,
    quick: values.quick === true,
    workers: values.workers ?? defaultThreads(),
    mirror: values.mirror ?? !labels.some(tellsSides),
    ...defined({ size, epochs, minutes, learn, rate, batch, mosaic }),
  }
}

/** A mirrored left hand is a right one. */
const tellsSides = (label: string): boolean => /(?:^|[\s_-])(?:left|right)(?:$|[\s_-])/i.test(label)

/** The same recipe with fewer pictures, each judged on the validation pictures. */
async function curveOf(call: Call, whole: Taught, teller: Teller): Promise<LearningCurve> {
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
  }
  return learningCurve(points)
}

async function writeReports(facts: TaughtFacts, stem: string): Promise<void> {
  const { taughtPage } = await import('../../training/report/html.ts')
  await saveFile(`${stem}.report.html`, await taughtPage(facts))
  await saveFile(`${stem}.report.json`, `${JSON.stringify(taughtJson(facts), null, 1)}\n`)
}
