import { extname } from 'node:path'
import { PRICES } from '../../aws/cost/prices.ts'
import { BoxletError } from '../../errors.ts'
import { saveFile } from '../../system/save-file.ts'
import { nearDuplicates } from '../../training/data/near-duplicates.ts'
import { finish, partsOf } from '../../training/finish.ts'
import type { Taught } from '../../training/job.ts'
import type { TaughtFacts } from '../../training/report/facts.ts'
import { taughtJson } from '../../training/report/json.ts'
import { partsText, taughtText } from '../../training/report/text.ts'
import type { History } from '../../training/run/history.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import { commandFor } from './command.ts'
import { curveOf } from './curve.ts'
import { checkOut, readBase, readSet } from './inputs.ts'
import { once, type TeachCall } from './once.ts'
import type { TEACH_OPTIONS } from './options.ts'
import { Teller } from './teller.ts'

export async function runTeach({ values, inputs }: Call<typeof TEACH_OPTIONS>, io: Io): Promise<ExitCode> {
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

async function run(call: TeachCall, teller: Teller): Promise<ExitCode> {
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
  if (taught.endedBy !== 'asked') {
    await taught.forget()
  }
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

async function writeReports(facts: TaughtFacts, stem: string): Promise<void> {
  const { taughtPage } = await import('../../training/report/html.ts')
  await saveFile(`${stem}.report.html`, await taughtPage(facts))
  await saveFile(`${stem}.report.json`, `${JSON.stringify(taughtJson(facts), null, 1)}\n`)
}
