import type { Dataset } from '../../datasets/dataset.ts'
import { saveFile } from '../../system/save-file.ts'
import { counted, megabytes, percent } from '../../system/words.ts'
import { type CompressedModel, compressModel } from '../../toolchain/compress/measured.ts'
import { checkLabels, openData, somePictures } from '../../toolchain/measure/data.ts'
import { openGiven } from '../kit/new-model.ts'
import { progressLine } from '../kit/progress.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { COMPRESS_OPTIONS } from './options.ts'

export async function runCompress(
  { values, inputs }: Call<typeof COMPRESS_OPTIONS>,
  io: Io,
): Promise<ExitCode> {
  const model = inputs[0]!
  const { source, out } = await openGiven(model, values.to, values, io)
  const data = values.data === undefined ? undefined : await chosenPictures(values.data, values, io)
  if (data !== undefined) {
    checkLabels(data, source.contract.labels)
  }
  const line = progressLine(io, 2 * (data?.images.length ?? 3), 'pictures')
  const result = await compressModel(source, values.to, data, {
    signal: io.signal,
    onProgress: (done) => line.update(done),
  }).finally(() => line.clear())
  await saveFile(out, result.bytes)
  const { bytes: _, ...facts } = result
  if (values.format === 'json') {
    io.stdout.write(`${JSON.stringify({ source: model, out, ...facts })}\n`)
  } else {
    io.stdout.write(`${out}\n`)
    io.stderr.write(describe(result))
  }
  return 0
}

/** Some pictures of what was named, spread over all of it. */
export async function chosenPictures(
  path: string,
  { split, limit }: { split?: string; limit: number },
  io: Io,
): Promise<Dataset> {
  const dataset = await openData(path, { split, signal: io.signal })
  const images = somePictures(dataset, limit).sort((a, b) => a.id - b.id)
  const ids = new Set(images.map(({ id }) => id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}

function describe({ before, after, stored, halfShare, f1, ap50, ap, pictures }: CompressedModel): string {
  const lines = [
    `${megabytes(before)} MB became ${megabytes(after)} MB, ${counted(stored, 'weight')} stored small${halfShare === 0 ? '' : `, the first ${halfShare * 100} % as float16`}`,
    `on ${counted(pictures, 'picture')}: agreement (F1) ${percent(f1)} %, AP50 against the old file ${percent(ap50)} %`,
    ...(ap === undefined ? [] : [`AP on the labels ${ap.before.toFixed(4)}, now ${ap.after.toFixed(4)}`]),
  ]
  return lines.map((line) => `boxlet: ${line}\n`).join('')
}
