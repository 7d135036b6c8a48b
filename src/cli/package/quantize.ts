import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import type { LoadOptions } from '../../detector/types.ts'
import { BoxletError } from '../../errors.ts'
import { cacheFolder } from '../../store/cache.ts'
import { saveFile } from '../../system/save-file.ts'
import { quantizeMeasured } from '../../toolchain/quantize/measured.ts'
import { quantizeText, verdictText } from '../../toolchain/quantize/report/text.ts'
import { openSource } from '../../toolchain/source.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'

/** Pictures to take ranges from and to compare on, as `boxlet quantize` takes them. */
const CALIBRATE = 32
const COMPARE = 64

/** A quantized copy of a model under its name, with its whole contract; the copy goes when it is disposed of. */
export interface QuantizedCopy extends AsyncDisposable, Pick<LoadOptions, 'contract' | 'labels'> {
  path: string
}

/** @throws BoxletError MODEL_OUTPUT where the quantized file is not worth it, and as `quantizeMeasured` */
export async function quantizeOnTheWay(
  model: string,
  given: LoadOptions,
  data: string,
  io: Io,
): Promise<QuantizedCopy> {
  const source = await openSource(model, { ...given, signal: io.signal })
  let line: ReturnType<typeof progressLine> | undefined
  const result = await quantizeMeasured(source, data, {
    calibrate: CALIBRATE,
    compare: COMPARE,
    cache: cacheFolder(io.env),
    signal: io.signal,
    onProgress(done, total) {
      line ??= progressLine(io, total, 'runs')
      line.update(done)
    },
  }).finally(() => line?.clear())
  io.stderr.write(quantizeText(source, result))
  if (result.verdict !== 'good') {
    throw new BoxletError('MODEL_OUTPUT', verdictText(source, result), {
      hint: 'Leave --quantize out to package the float model.',
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-quantized-'))
  const path = join(folder, `${basename(model, extname(model))}.onnx`)
  await saveFile(path, result.bytes)
  return {
    path,
    contract: source.contract,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
