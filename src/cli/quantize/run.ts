import { BoxletError } from '../../errors.ts'
import { cacheFolder } from '../../store/cache.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import { quantizeMeasured } from '../../toolchain/quantize/measured.ts'
import { quantizeJson } from '../../toolchain/quantize/report/json.ts'
import { quantizePage } from '../../toolchain/quantize/report/page.ts'
import { quantizeText } from '../../toolchain/quantize/report/text.ts'
import { openGiven } from '../kit/new-model.ts'
import { progressLine } from '../kit/progress.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { QUANTIZE_OPTIONS } from './options.ts'

export async function runQuantize(
  { values, inputs }: Call<typeof QUANTIZE_OPTIONS>,
  io: Io,
): Promise<ExitCode> {
  const model = inputs[0]!
  if (values.data === undefined) {
    throw new BoxletError('USAGE', 'Expected pictures to calibrate on but received none.', {
      hint: 'Name a folder of them, or a labelled set, with --data. Two or three dozen as the model will see them are enough.',
    })
  }
  const { source, out } = await openGiven(model, 'quantized', values, io)
  let line: ReturnType<typeof progressLine> | undefined
  const result = await quantizeMeasured(source, values.data, {
    calibrate: values.pictures,
    compare: values.limit,
    cache: cacheFolder(io.env),
    isFresh: values.fresh === true,
    signal: io.signal,
    ...defined({ split: values.split }),
    onNotice: (text) => io.stderr.write(`boxlet: ${text}\n`),
    onProgress(done, total) {
      line ??= progressLine(io, total, 'runs')
      line.update(done)
    },
  }).finally(() => line?.clear())
  const base = out.replace(/\.onnx$/i, '')
  const isGood = result.verdict === 'good'
  if (isGood) {
    await saveFile(out, result.bytes)
  }
  const facts = quantizeJson(source, isGood ? out : null, result)
  await saveFile(`${base}.report.json`, `${JSON.stringify(facts, null, 1)}\n`)
  await saveFile(`${base}.report.html`, await quantizePage(source, result))
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify(facts)}\n`)
  } else {
    io.stdout.write(isGood ? `${out}\n` : '')
    io.stderr.write(quantizeText(source, result))
    io.stderr.write(`boxlet: the report is ${base}.report.html\n`)
  }
  return isGood ? 0 : 1
}
