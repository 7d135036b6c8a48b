import { writeFile } from 'node:fs/promises'
import type { Dataset } from '../../datasets/dataset.ts'
import { openPictureFolder } from '../../datasets/picture-folder.ts'
import type { Problem } from '../../datasets/problem.ts'
import { BoxletError } from '../../errors.ts'
import { diff, type Side } from '../../evaluate/diff.ts'
import { measureSpeed } from '../../evaluate/evaluation.ts'
import { diffJson, diffMarkdown, diffPage, diffText } from '../../evaluate/report/diff-report.ts'
import { type Switching, switching, switchingText } from '../../evaluate/switching.ts'
import { defined } from '../../system/defined.ts'
import {
  listCandidates,
  readRenames,
  runSubject,
  type SubjectSettings,
  switchingPrices,
  tellProblems,
} from '../eval/subjects.ts'
import type { ExitCode, Io } from '../kit/verb.ts'

export async function runDiff(
  { values, inputs }: { values: SubjectSettings; inputs: string[] },
  io: Io,
): Promise<ExitCode> {
  if (values.images === undefined) {
    throw new BoxletError('USAGE', 'Expected a folder of pictures but received none.', {
      hint: 'Name it with --images.',
    })
  }
  const candidates = await listCandidates(values, inputs, io)
  if (candidates.length !== 2) {
    throw new BoxletError('USAGE', `Expected two models to compare but received ${candidates.length}.`, {
      hint: 'For example: boxlet diff yolov8n yolov8s --images photos',
    })
  }
  const renames = await readRenames(values.map)
  const dataset = await openPictureFolder(values.images, values.limit, io.signal)
  tellProblems(dataset.problems, io)
  const sides: Measured[] = []
  for (const candidate of candidates) {
    await using subject = await candidate.open(dataset)
    const run = await runSubject(subject, dataset, detectOptions(values), values, io)
    sides.push({ ...run, info: subject.info, labels: subject.labels, jobs: subject.jobs })
  }
  const [a, b] = sides as [Measured, Measured]
  const problems = [...dataset.problems, ...a.problems, ...b.problems]
  const difference = diff(dataset, a, b, renames, problems)
  const costs = costsOf(a, b, values)
  const extra = costs === undefined ? '' : switchingText(costs)
  io.stdout.write(
    values.format === 'json'
      ? `${JSON.stringify(diffJson(difference, dataset.images, costs === undefined ? {} : { switching: costs }), null, 1)}\n`
      : values.format === 'markdown'
        ? diffMarkdown(difference, extra)
        : diffText(difference, dataset.images, extra),
  )
  if (values.out !== undefined) {
    await writePage(values.out, difference, dataset, values.worst, extra, io)
  }
  return problems.length > 0 || a.stopped || b.stopped ? 1 : 0
}

type Measured = Side & { problems: Problem[]; stopped: boolean; seconds: number; jobs: number }

/** The models' own thresholds decide, since that is what a user of either sees. */
const detectOptions = (values: SubjectSettings) => ({
  ...defined({ minScore: values['min-score'], iou: values.iou, maxDetections: values.max }),
})

function costsOf(a: Measured, b: Measured, values: SubjectSettings): Switching | undefined {
  const timed = (side: Measured) => {
    const { results, seconds, jobs, info } = side
    const speed = measureSpeed({ results, seconds, jobs, subject: info, detect: {} })
    return speed === undefined ? undefined : { subject: info, speed }
  }
  const [first, second] = [timed(a), timed(b)]
  return first === undefined || second === undefined
    ? undefined
    : switching(first, second, switchingPrices(values))
}

async function writePage(
  path: string,
  difference: ReturnType<typeof diff>,
  dataset: Dataset,
  worst: number,
  extra: string,
  io: Io,
): Promise<void> {
  const html = await diffPage(difference, dataset.images, worst, extra)
  await writeFile(path, html).catch((cause: unknown) => {
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a file that can be written at "${path}" but it cannot be.`,
      { cause },
    )
  })
  io.stderr.write(`boxlet: the page is ${path}\n`)
}
