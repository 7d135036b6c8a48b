import { join } from 'node:path'
import type { Annotation, Dataset } from '../../datasets/dataset.ts'
import { openPictureFolder } from '../../datasets/picture-folder.ts'
import { Detector } from '../../detector/detector.ts'
import { datasetPage } from '../../evaluate/report/dataset-page.ts'
import { type PictureResult, runDataset } from '../../evaluate/run-dataset.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import { checkClasses } from '../detect/classes.ts'
import { classNames, DETECTION_OPTIONS } from '../kit/detection-options.ts'
import { storeProgress } from '../kit/download-progress.ts'
import { DEFAULT_MODEL, MODEL_OPTIONS, modelOptions } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { progressLine } from '../kit/progress.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { DATASET_EXITS, DATASET_FORMATS, needOut } from './options.ts'
import { WRITE_OPTIONS, writeParts } from './write.ts'

/** Pictures read ahead while one runs. */
const IN_FLIGHT = 3
/** Pictures drawn for a quick look. */
const DRAWN = 60

const OPTIONS = {
  ...MODEL_OPTIONS,
  'min-score': {
    type: 'number',
    says: 'lowest confidence that becomes a label; a box too many is sooner deleted than one too few is drawn',
    group: 'Labels',
    min: 0,
    max: 1,
    otherwise: "the model's thresholds",
  },
  classes: {
    ...DETECTION_OPTIONS.classes,
    says: 'label only objects of these classes of the model, which are then the classes of the set',
    group: 'Labels',
  },
  to: {
    type: 'string',
    says: 'format of the labels',
    group: 'Output',
    value: 'F',
    own: true,
    choices: DATASET_FORMATS,
    default: 'yolo',
  },
  out: WRITE_OPTIONS.out,
  pictures: WRITE_OPTIONS.pictures,
  force: WRITE_OPTIONS.force,
  limit: {
    type: 'number',
    says: 'label only the first so many pictures',
    group: 'Output',
    value: 'N',
    integer: true,
    min: 1,
  },
} as const satisfies Options

export const verb = defineVerb({
  name: 'dataset label',
  summary: 'Label pictures with a model, to be corrected in any tool.',
  about: `FOLDER holds pictures without labels. What the model finds is written as a data set that Label Studio, CVAT and
    others read, with look.html beside it for a quick look.`,
  inputs: { usage: 'FOLDER', noun: 'folder of pictures', least: 1, most: 1, completes: 'folder' },
  options: OPTIONS,
  exits: DATASET_EXITS,
  examples: [
    'boxlet dataset label photos --model fridge.onnx --out photos-labelled',
    'boxlet dataset label photos --model yolov8n --classes cup,bottle --min-score 0.2 --out photos-labelled',
  ],
  alsoKnownAs: ['annotate', 'autolabel', 'prelabel'],
  run,
})

async function run({ values, inputs }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const out = needOut(values.out)
  const dataset = await openPictureFolder(inputs[0]!, values.limit, io.signal)
  const progress = storeProgress(io)
  await using detector = await Detector.load(values.model ?? DEFAULT_MODEL, {
    ...(await modelOptions(values)),
    ...defined({ onProgress: progress.onProgress, onNotice: progress.onNotice }),
    signal: io.signal,
  }).finally(() => progress.end())
  const { contract } = detector.model
  const { labels } = contract
  const classes = classNames(values.classes)
  await checkClasses('classes', classes, contract)
  const line = progressLine(io, dataset.images.length, 'pictures')
  const found = await runDataset(dataset, detector, {
    detect: defined({ minScore: values['min-score'], ...(classes.length > 0 && { classes }) }),
    labels,
    inFlight: IN_FLIGHT,
    onProgress: (done) => line.update(done),
    signal: io.signal,
  }).finally(() => line.clear())
  const wanted = (name: string, at: number) =>
    classes.length === 0 ||
    classes.some((one) => one === String(at) || one.toLowerCase() === name.toLowerCase())
  const labelled = labelledSet(dataset, found.results, labels, wanted)
  labelled.problems = [...dataset.problems, ...found.problems]
  const code = await writeParts(
    [{ name: 'all', dataset: labelled }],
    values.to,
    out,
    { pictures: values.pictures, ...defined({ force: values.force }) },
    io,
  )
  await saveFile(join(out, 'look.html'), await datasetPage(labelled, labelled.images.slice(0, DRAWN)))
  return code
}

/** Pictures that were read, with what was found in them; ids of categories are those of the model, from 1 on. */
function labelledSet(
  dataset: Dataset,
  results: readonly PictureResult[],
  labels: readonly (string | null)[],
  wanted: (name: string, at: number) => boolean,
): Dataset {
  const annotations: Annotation[] = []
  for (const { image, detections } of results) {
    for (const { classId, box } of detections) {
      const corner = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 }
      annotations.push({
        id: annotations.length + 1,
        imageId: image.id,
        categoryId: classId + 1,
        box: corner,
        area: corner.width * corner.height,
        crowd: false,
        difficult: false,
      })
    }
  }
  return {
    ...dataset,
    categories: labels.flatMap((name, at) =>
      name !== null && wanted(name, at) ? [{ id: at + 1, name }] : [],
    ),
    images: results.map(({ image }) => image),
    annotations,
  }
}
