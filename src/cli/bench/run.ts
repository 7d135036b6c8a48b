import type { Dataset } from '../../datasets/dataset.ts'
import { openPictureFolder } from '../../datasets/picture-folder.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { oneLine } from '../../system/printable.ts'
import { saveFile } from '../../system/save-file.ts'
import { alignColumns } from '../../system/words.ts'
import { type Benched, benchModel, machine } from '../../toolchain/bench/bench.ts'
import { plotBench } from '../../toolchain/bench/plot.ts'
import { bundledDataset } from '../../toolchain/measure/bundled.ts'
import { checkLabels, somePictures } from '../../toolchain/measure/data.ts'
import { openSource } from '../../toolchain/source.ts'
import { chosenPictures } from '../compress/run.ts'
import { errorText } from '../kit/error-text.ts'
import { modelOptions } from '../kit/model-options.ts'
import { clearStatus, drawStatus } from '../kit/terminal.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { BENCH_OPTIONS } from './options.ts'

export async function runBench({ values, inputs }: Call<typeof BENCH_OPTIONS>, io: Io): Promise<ExitCode> {
  if (values.plot !== undefined && (values.data === undefined || !values.plot.endsWith('.svg'))) {
    throw new BoxletError(
      'USAGE',
      `Expected --data and a name that ends in .svg for --plot but received "${values.plot}".`,
    )
  }
  const load = await modelOptions(values)
  const data = values.data === undefined ? undefined : await labelled(values.data, values, io)
  await using own = values.images === undefined && data === undefined ? await bundledDataset() : undefined
  const timed =
    values.images === undefined
      ? (data ?? own!.dataset)
      : await openPictureFolder(values.images, undefined, io.signal)
  const pictures = somePictures(timed, values.pictures).map(({ path }) => path)
  const failed: { name: string; error: BoxletError }[] = []
  const models: Benched[] = []
  for (const model of inputs) {
    try {
      // What is no detector, and classes that do not fit, are told before any time is spent.
      const source = await openSource(model, { ...load, signal: io.signal })
      if (data !== undefined) {
        checkLabels(data, source.contract.labels)
      }
      const onStage = (text: string) => drawStatus(io, `${oneLine(model)}: ${text}`)
      models.push(
        await benchModel(model, { pictures, rounds: values.rounds, load, data, signal: io.signal, onStage }),
      )
    } catch (error) {
      const known = toBoxletError(error)
      if (inputs.length === 1 || known.code === 'ABORTED') {
        throw error
      }
      failed.push({ name: model, error: known })
      io.stderr.write(`boxlet: ${oneLine(model)}: ${errorText(known)}\n`)
    } finally {
      clearStatus(io)
    }
  }
  if (models.length === 0) {
    return 3
  }
  if (values.plot !== undefined) {
    await saveFile(values.plot, await plotBench(models))
  }
  const facts = {
    machine: machine(),
    pictures: pictures.length,
    rounds: values.rounds,
    threads: load.threads ?? 1,
  }
  io.stdout.write(
    values.format === 'json'
      ? `${JSON.stringify({ version: 1, ...facts, models, failed: failed.map(({ name, error }) => ({ name, code: error.code })) })}\n`
      : `${table(models)}\n${facts.machine}; ${facts.pictures} pictures × ${facts.rounds}, ${facts.threads} thread\n`,
  )
  return failed.length > 0 ? 1 : 0
}

async function labelled(path: string, values: { split?: string; limit: number }, io: Io): Promise<Dataset> {
  const data = await chosenPictures(path, values, io)
  if (data.annotations.length === 0) {
    throw new BoxletError('USAGE', 'Expected labels for --data but the pictures have none.', {
      hint: 'Name pictures without labels with --images.',
    })
  }
  return data
}

function table(models: readonly Benched[]): string {
  const rows = models.map((one) => [
    one.name,
    ...[one.start, one.first, one.median, one.p95, one.floor].map((ms) => ms.toFixed(1)),
    one.overFloor.toFixed(2),
    one.perSecond.toFixed(1),
    one.memory.toFixed(0),
    ...(one.ap === undefined ? [] : [one.ap.toFixed(4)]),
  ])
  const heads = [
    'model',
    'start ms',
    'first ms',
    'median ms',
    'p95 ms',
    'floor ms',
    'of floor',
    'pictures/s',
    'MB',
  ]
  const head = models.some(({ ap }) => ap !== undefined) ? [...heads, 'AP'] : heads
  return alignColumns([head, ...rows], (column) => column > 0).join('\n')
}
