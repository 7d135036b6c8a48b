import { openPictureFolder } from '../../datasets/picture-folder.ts'
import { BoxletError } from '../../errors.ts'
import type { RgbImage } from '../../image/rgb-image.ts'
import { readLabelFile } from '../../model/labels/label-file.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import { counted, megabytes } from '../../system/words.ts'
import { bundledPictures, placedPictures } from '../../toolchain/measure/pictures.ts'
import { type Simplified, type SimplifyOptions, simplifyModel } from '../../toolchain/simplify/simplify.ts'
import type { ModelSource } from '../../toolchain/source.ts'
import { openGiven } from '../kit/new-model.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { SIMPLIFY_OPTIONS, SimplifySettings } from './options.ts'

/** More pictures show no more of a difference that rounding does not explain. */
const MAX_PICTURES = 16

export async function runSimplify(
  { values, inputs }: Call<typeof SIMPLIFY_OPTIONS>,
  io: Io,
): Promise<ExitCode> {
  const model = inputs[0]!
  const wishes = await wishesOf(values)
  const { source, out } = await openGiven(model, 'simple', values, io)
  const pictures =
    values.images === undefined ? await bundledPictures() : await picturesIn(values.images, source, io)
  const result = await simplifyModel(source.bytes, source.contract, wishes, pictures)
  await saveFile(out, result.bytes)
  if (values.format === 'json') {
    const { bytes: _, ...facts } = result
    io.stdout.write(`${JSON.stringify({ source: model, out, ...facts })}\n`)
  } else {
    io.stdout.write(`${out}\n`)
    io.stderr.write(describe(result, pictures.length))
  }
  return 0
}

async function wishesOf(values: SimplifySettings): Promise<SimplifyOptions> {
  const { input, batch, dynamic, boxes, labels, metadata = [] } = values
  if (dynamic === true && batch !== undefined) {
    throw new BoxletError('USAGE', 'Expected --dynamic or --batch but received both.')
  }
  return {
    ...defined({ batch, dynamic, boxes }),
    ...(input === undefined ? {} : { input: sizeOf(input) }),
    ...(labels === undefined ? {} : { labels: await readLabelFile(labels) }),
    metadata: Object.fromEntries(metadata.map(entryOf)),
  }
}

/** 640, or height and width as trainers write them: 384x640. */
function sizeOf(text: string): { width: number; height: number } {
  const [, height, width] = /^(\d{1,5})(?:x(\d{1,5}))?$/.exec(text) ?? []
  const size = { height: Number(height), width: Number(width ?? height) }
  if (!(size.height >= 8 && size.height <= 8192 && size.width >= 8 && size.width <= 8192)) {
    throw new BoxletError(
      'USAGE',
      `Expected a size such as 640 or 384x640 for --input but received "${text}".`,
    )
  }
  return size
}

function entryOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) {
    throw new BoxletError('USAGE', `Expected KEY=VALUE for --metadata but received "${text}".`)
  }
  return [text.slice(0, at), text.slice(at + 1)]
}

async function picturesIn(folder: string, { contract }: ModelSource, io: Io): Promise<RgbImage[]> {
  const { images } = await openPictureFolder(folder, MAX_PICTURES, io.signal)
  const pictures: RgbImage[] = []
  for await (const { placed } of placedPictures(images, contract, io.signal)) {
    pictures.push(placed.pixels)
  }
  return pictures
}

function describe({ before, after, counts, notes, differences }: Simplified, pictures: number): string {
  const done = [
    [counts.folded, 'folded'],
    [counts.normed, 'merged into convolutions'],
    [counts.passed, 'that computed nothing'],
    [counts.duplicates, 'second copies'],
    [counts.unused, 'without a reader'],
    [counts.lifted, 'rewritten'],
  ] as const
  const largest = Math.max(0, ...differences.map((output) => output.largest))
  const lines = [
    `${before.nodes} nodes became ${after.nodes}, ${megabytes(before.bytes)} MB ${megabytes(after.bytes)} MB, opset ${before.opset} ${after.opset}, ${counted(before.inputs, 'input')} ${after.inputs}`,
    done
      .filter(([count]) => count > 0)
      .map(([count, what]) => `${count} ${what}`)
      .join(', ') || 'there was nothing to do',
    ...notes,
    `largest difference on ${counted(pictures, 'picture')}: ${largest === 0 ? '0' : largest.toPrecision(2)}`,
  ]
  return lines.map((line) => `boxlet: ${line}\n`).join('')
}
