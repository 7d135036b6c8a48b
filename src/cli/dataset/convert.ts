import { openParts } from '../../datasets/parts.ts'
import { BoxletError } from '../../errors.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { DATASET_EXITS, DATASET_FORMATS, DATASET_INPUT, needOut, readOptions } from './options.ts'
import { WRITE_OPTIONS, writeParts } from './write.ts'

export const verb = defineVerb({
  name: 'dataset convert',
  summary: 'Write a set as COCO, VOC or YOLO, with its parts.',
  inputs: DATASET_INPUT,
  options: WRITE_OPTIONS,
  exits: DATASET_EXITS,
  examples: ['boxlet dataset convert coco/instances_val2017.json --to yolo --out coco-yolo'],
  run,
})

async function run({ values, inputs }: Call<typeof WRITE_OPTIONS>, io: Io): Promise<ExitCode> {
  const out = needOut(values.out)
  if (values.to === undefined) {
    throw new BoxletError(
      'USAGE',
      `Expected --to with one of ${DATASET_FORMATS.join(', ')} but received none.`,
    )
  }
  return writeParts(await openParts(inputs[0]!, readOptions(values, io)), values.to, out, values, io)
}
