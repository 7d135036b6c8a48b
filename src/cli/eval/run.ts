import { basename } from 'node:path'
import { countByCategory, type Dataset, type ReadOptions } from '../../datasets/dataset.ts'
import { openDataset } from '../../datasets/open.ts'
import type { Problem } from '../../datasets/problem.ts'
import type { DetectOptions } from '../../detector/types.ts'
import { BoxletError, toBoxletError } from '../../errors.ts'
import { type Evaluation, evaluate } from '../../evaluate/evaluation.ts'
import { labelsByCategory, mapLabels, toPredictions } from '../../evaluate/label-map.ts'
import { matchResults } from '../../evaluate/match-results.ts'
import { MEASURING } from '../../evaluate/measuring.ts'
import { readCocoResults } from '../../evaluate/predictions.ts'
import { readLabelFile } from '../../model/labels/label-file.ts'
import { defined } from '../../system/defined.ts'
import { oneLine } from '../../system/printable.ts'
import { errorText } from '../kit/error-text.ts'
import type { Call, ExitCode, Io } from '../kit/verb.ts'
import type { EVAL_OPTIONS, EvalSettings } from './options.ts'
import { writeResults } from './output.ts'
import { type Candidate, listCandidates, readRenames, runSubject, tellProblems } from './subjects.ts'

export async function runEval({ values, inputs }: Call<typeof EVAL_OPTIONS>, io: Io): Promise<ExitCode> {
  if (values.data === undefined) {
    throw new BoxletError('USAGE', 'Expected a labelled data set but received none.', {
      hint: 'Name it with --data: a COCO .json, a VOC folder or a YOLO data.yaml.',
    })
  }
  const candidates = await listCandidates(values, inputs, io)
  const files = values.detections ?? []
  if (candidates.length + files.length === 0) {
    throw new BoxletError('USAGE', 'Expected a model to measure but received none.', {
      hint: 'For example: boxlet eval yolov8n --data DATASET',
    })
  }
  const dataset = await readDataset(values, io)
  const failed: { name: string; error: BoxletError }[] = []
  const evaluations: Evaluation[] = []
  let stopped = false
  for (const file of files) {
    evaluations.push(await evaluateFile(file, dataset, values))
  }
  for (const candidate of candidates) {
    try {
      const result = await evaluateCandidate(candidate, dataset, values, io)
      evaluations.push(result.evaluation)
      stopped = result.stopped
      if (stopped) {
        break
      }
    } catch (error) {
      const known = toBoxletError(error)
      // One of many models may be unusable; the only one, or a mistake of the caller, is reported as an error.
      if (candidates.length + files.length === 1 || known.kind === 'usage') {
        throw error
      }
      failed.push({ name: candidate.name, error: known })
      io.stderr.write(`boxlet: ${oneLine(candidate.name)}: ${errorText(known)}\n`)
    }
  }
  if (evaluations.length === 0) {
    return 3
  }
  await writeResults(evaluations, failed, dataset, values, io)
  return stopped || failed.length > 0 || evaluations.some((entry) => entry.problems.some(isPicture)) ? 1 : 0
}

/** A picture that could not be measured makes the result partial; a bad annotation does not. */
const isPicture = ({ kind }: Problem): boolean =>
  kind === 'picture-truncated' || kind === 'picture-unreadable' || kind === 'picture-missing'

async function readDataset(values: EvalSettings, io: Io): Promise<Dataset> {
  const options: ReadOptions = {
    ...defined({ problems: values.problems, images: values.images, split: values.split }),
    signal: io.signal,
  }
  const dataset = await openDataset(values.data!, options)
  tellProblems(dataset.problems, io)
  const images = dataset.images.slice(0, values.limit)
  if (images.length === 0) {
    throw new BoxletError('DATASET_INVALID', 'Expected pictures in the data set but there are none.')
  }
  return withImages(dataset, images)
}

function withImages(dataset: Dataset, images: Dataset['images']): Dataset {
  if (images.length === dataset.images.length) {
    return dataset
  }
  const ids = new Set(images.map((image) => image.id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}

async function evaluateCandidate(
  candidate: Candidate,
  dataset: Dataset,
  values: EvalSettings,
  io: Io,
): Promise<{ evaluation: Evaluation; stopped: boolean }> {
  await using subject = await candidate.open(dataset)
  const renames = await readRenames(values.map)
  const objects = countByCategory(dataset)
  // A wrong label file is reported before hours of detection, not after.
  if (subject.labels.length > 0) {
    mapLabels(subject.labels, dataset.categories, renames, objects)
  }
  const detect: DetectOptions = {
    minScore: values['min-score'] ?? MEASURING.minScore,
    maxDetections: values.max,
    everyClass: values['every-class'] ?? !hasRemote(values),
    ...defined({ iou: values.iou }),
  }
  const run = await runSubject(subject, dataset, detect, values, io)
  const measured = withImages(
    dataset,
    run.results.map((result) => result.image),
  )
  const labels = subject.labels.length > 0 ? subject.labels : seenLabels(run.results)
  const map = mapLabels(labels, dataset.categories, renames, objects)
  const evaluation = evaluate(measured, toPredictions(run.results, map), {
    subject: subject.info,
    detect,
    results: run.results,
    seconds: run.seconds,
    jobs: subject.jobs,
    problems: run.problems,
    unusedLabels: map.unusedLabels,
    missingCategories: map.missingCategories,
  })
  if (subject.model !== undefined) {
    evaluation.contract = subject.model.contract
  }
  evaluation.labelOf = labelsByCategory(map)
  return { evaluation, stopped: run.stopped }
}

/** A service gives each prediction its best class only, so a model beside it is asked for no more. */
const hasRemote = (values: EvalSettings): boolean =>
  values.endpoint !== undefined || values.rekognition === true || values['rekognition-model'] !== undefined

const seenLabels = (results: readonly { detections: readonly { label: string }[] }[]): string[] => [
  ...new Set(results.flatMap((result) => result.detections.map((detection) => detection.label))),
]

async function evaluateFile(file: string, dataset: Dataset, values: EvalSettings): Promise<Evaluation> {
  const subject = { name: basename(file).replace(/\.json$/i, ''), kind: 'results' as const }
  const detect = values['min-score'] === undefined ? {} : { minScore: values['min-score'] }
  const labels = values.labels === undefined ? undefined : await readLabelFile(values.labels)
  const rows = await readCocoResults(file)
  const predictions = matchResults(rows, dataset, labels, countByCategory(dataset))
  const kept = predictions.filter(({ score }) => score >= (values['min-score'] ?? 0))
  return evaluate(dataset, kept, { subject, detect })
}
