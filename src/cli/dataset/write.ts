/** What `convert` and `split` share: a set is written in a format, with its pictures. */
import { writeCoco } from '../../datasets/coco-write.ts'
import type { DatasetFormat } from '../../datasets/dataset.ts'
import { withoutMissingPictures } from '../../datasets/missing-pictures.ts'
import { writeVoc } from '../../datasets/voc-write.ts'
import type { Part, WriteOptions, Written } from '../../datasets/write.ts'
import { writeYolo } from '../../datasets/yolo-write.ts'
import { defined } from '../../system/defined.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { progressLine } from '../kit/progress.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import { DATASET_FORMATS, READ_OPTIONS, report } from './options.ts'

const WRITERS = { coco: writeCoco, voc: writeVoc, yolo: writeYolo }

export const WRITE_OPTIONS = {
  ...READ_OPTIONS,
  split: { ...READ_OPTIONS.split, otherwise: 'all' },
  to: {
    type: 'string',
    says: 'format to write',
    group: 'Output',
    value: 'F',
    own: true,
    choices: DATASET_FORMATS,
  },
  out: {
    type: 'string',
    says: 'an empty folder for the result',
    group: 'Output',
    value: 'DIR',
    short: 'o',
    own: true,
    completes: 'folder',
  },
  pictures: {
    type: 'string',
    says: 'what becomes of the pictures',
    group: 'Output',
    value: 'P',
    own: true,
    choices: ['copy', 'link', 'none'],
    default: 'copy',
  },
  force: {
    type: 'boolean',
    says: 'write into a folder that holds files',
    group: 'Output',
    own: true,
  },
} as const satisfies Options
type Values = Settings<typeof WRITE_OPTIONS>

export async function writeParts(
  read: Part[],
  format: DatasetFormat,
  out: string,
  values: Values,
  io: Io,
): Promise<ExitCode> {
  const parts =
    values.pictures === 'none' ? read : await Promise.all(read.map((part) => present(part, values)))
  const problems = parts.flatMap((part) => part.dataset.problems)
  report(problems, io)
  for (const note of new Set(parts.flatMap((part) => part.dataset.notes))) {
    io.stderr.write(`${note}\n`)
  }
  const pictures = parts.reduce((sum, part) => sum + part.dataset.images.length, 0)
  const line = progressLine(io, pictures, 'pictures')
  const options: WriteOptions = {
    pictures: values.pictures,
    ...defined({ force: values.force }),
    onProgress: (done) => line.update(done),
    signal: io.signal,
  }
  const written = await WRITERS[format](parts, out, options).finally(() => line.clear())
  io.stdout.write(summary(written, parts, out))
  return problems.length > 0 ? 1 : 0
}

const present = async ({ name, dataset }: Part, { problems }: Values): Promise<Part> => ({
  name,
  dataset: await withoutMissingPictures(dataset, problems ?? 'skip'),
})

function summary({ format, pictures, objects, losses }: Written, parts: Part[], out: string): string {
  const sizes = parts.map(({ name, dataset }) => `${name} ${dataset.images.length}`).join(', ')
  return [`${out}: ${pictures} pictures and ${objects} objects as ${format} (${sizes})`, ...losses, ''].join(
    '\n',
  )
}
