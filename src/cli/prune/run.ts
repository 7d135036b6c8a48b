import { BoxletError } from '../../errors.ts'
import { saveFile } from '../../system/save-file.ts'
import { alignColumns, megabytes, percent } from '../../system/words.ts'
import { checkLabels, divide, openData } from '../../toolchain/measure/data.ts'
import { type Pruned, pruneModel } from '../../toolchain/prune/prune.ts'
import { refuseQuantized } from '../../toolchain/quantize/given.ts'
import type { ModelSource } from '../../toolchain/source.ts'
import { openGiven } from '../kit/new-model.ts'
import { progressLine } from '../kit/progress.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { PRUNE_OPTIONS } from './options.ts'

/** Pictures that means of channels are taken from; others are compared on. */
const CALIBRATE = 16

export async function runPrune({ values, inputs }: Call<typeof PRUNE_OPTIONS>, io: Io): Promise<ExitCode> {
  const model = inputs[0]!
  if (values.data === undefined) {
    throw new BoxletError('USAGE', 'Expected pictures to compare on but received none.', {
      hint: 'Name a labelled set or a folder of pictures with --data.',
    })
  }
  const { source, out } = await openGiven(model, 'pruned', values, io)
  const dataset = await openData(values.data, { split: values.split, signal: io.signal })
  checkLabels(dataset, source.contract.labels)
  await refuseQuantized(source, dataset, io.signal)
  const { calibration, evaluation } = divide(dataset, CALIBRATE, values.limit)
  let line: ReturnType<typeof progressLine> | undefined
  const result = await pruneModel(source, {
    keep: values.keep,
    calibration,
    evaluation,
    signal: io.signal,
    onProgress(done, total) {
      line ??= progressLine(io, total, 'steps')
      line.update(done)
    },
  }).finally(() => line?.clear())
  const isGood = result.verdict === 'good'
  if (isGood) {
    await saveFile(out, result.bytes)
  }
  if (values.format === 'json') {
    const { bytes, ...facts } = result
    const sizes = { before: source.given, after: bytes.length }
    io.stdout.write(
      `${JSON.stringify({ version: 1, source: model, out: isGood ? out : null, bytes: sizes, ...facts })}\n`,
    )
  } else {
    io.stdout.write(isGood ? `${out}\n` : '')
    io.stderr.write(describe(source, result))
  }
  return isGood ? 0 : 1
}

/** Layers at each end of the table. */
const SHOWN = 5

function describe(
  { given }: ModelSource,
  { verdict, layers, pruned, fidelity, ms, weights, bytes, pictures }: Pruned,
): string {
  const row = ({ layer, taken, channels, error }: Pruned['layers'][number]) => [
    layer,
    `${taken} of ${channels}`,
    error.toFixed(3),
  ]
  const shown = layers.length <= 2 * SHOWN ? layers : [...layers.slice(0, SHOWN), ...layers.slice(-SHOWN)]
  const { f1, ap50, ap } = fidelity
  const size = `${megabytes(given)} MB became ${megabytes(bytes.length)} MB, ${weights.before} weights ${weights.after}, ${ms.before.toFixed(1)} ms of a processor ${ms.after.toFixed(1)} (${(ms.after / ms.before).toFixed(2)})`
  const lines = [
    ...alignColumns(
      [['layer, least and most harmful', 'channels', 'error alone'], ...shown.map(row)],
      (column) => column > 0,
    ),
    `${pruned} of ${layers.length} layers lost channels; on ${pictures} pictures agreement (F1) ${percent(f1)} %, AP50 against the given file ${ap50.toFixed(3)}`,
    ...(ap === undefined ? [] : [`AP on the labels ${ap.before.toFixed(4)}, now ${ap.after.toFixed(4)}`]),
    verdict === 'good'
      ? size
      : verdict === 'slower'
        ? `Not worth it: the layers that may go without harm leave the file at ${(ms.after / ms.before).toFixed(2)} of the time. Nothing was written.`
        : 'Not worth it: not one layer may lose that many channels without training. Nothing was written; try a larger --keep.',
  ]
  return lines.map((line) => `boxlet: ${line}\n`).join('')
}
