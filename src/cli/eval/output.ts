import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '../../datasets/dataset.ts'
import { BoxletError } from '../../errors.ts'
import { type Comparison, compare } from '../../evaluate/compare.ts'
import type { Evaluation } from '../../evaluate/evaluation.ts'
import { jsonComparison, jsonReport } from '../../evaluate/report/json.ts'
import {
  markdownComparison,
  markdownReport,
  markdownTable,
  summaryRows,
} from '../../evaluate/report/markdown.ts'
import { table, textComparison, textReport } from '../../evaluate/report/text.ts'
import { type Switching, switching, switchingText } from '../../evaluate/switching.ts'
import { writeCocoResults } from '../../evaluate/write-results.ts'
import { writeThresholds } from '../../evaluate/write-thresholds.ts'
import { makeFolder } from '../../system/make-folder.ts'
import type { Io } from '../kit/verb.ts'
import type { EvalSettings } from './options.ts'
import { switchingPrices } from './subjects.ts'

type Failed = { name: string; error: BoxletError }[]

/** Prints what was measured and writes the files that were asked for. */
export async function writeResults(
  evaluations: Evaluation[],
  failed: Failed,
  dataset: Dataset,
  values: EvalSettings,
  io: Io,
): Promise<void> {
  const comparison =
    evaluations.length === 2 && failed.length === 0 ? comparable(evaluations, values, io) : undefined
  const costs = comparison === undefined ? undefined : costsOf(comparison, values)
  io.stdout.write(toText(evaluations, failed, comparison, costs, values.format, values.worst))
  if (values['write-thresholds'] !== undefined) {
    const [only, ...others] = evaluations
    if (others.length > 0 || only!.contract === undefined) {
      throw new BoxletError(
        'USAGE',
        'Expected one local model for --write-thresholds but received something else.',
      )
    }
    const written = await writeThresholds(only!.contract, only!, values['write-thresholds'])
    io.stderr.write(`boxlet: wrote ${written} thresholds to ${values['write-thresholds']}\n`)
  }
  if (values.out !== undefined) {
    await writeFolder(values.out, evaluations, comparison, costs, dataset, values, io)
  }
}

/** Two that failed on different pictures, or of which one was stopped, cannot be paired. */
function comparable([a, b]: Evaluation[], values: EvalSettings, io: Io): Comparison | undefined {
  const same =
    a!.work.images.length === b!.work.images.length &&
    a!.work.images.every((image, i) => image.id === b!.work.images[i]!.id)
  if (same) {
    return compare(a!, b!, values.resamples)
  }
  io.stderr.write('boxlet: the two were not measured on the same pictures, so they are not compared\n')
  return undefined
}

function toText(
  evaluations: Evaluation[],
  failed: Failed,
  comparison: Comparison | undefined,
  costs: Switching | undefined,
  format: string,
  worst: number,
): string {
  const failures = failed.map(({ name, error }) => ({ name, code: error.code, message: error.message }))
  const rows = failures.map(({ name, code }) => [name, code])
  if (format === 'json') {
    const reports = evaluations.map((evaluation) => jsonReport(evaluation, worst))
    const whole =
      comparison === undefined
        ? { reports }
        : { reports, comparison: jsonComparison(comparison), ...(costs && { switching: costs }) }
    return `${JSON.stringify(reports.length === 1 && failed.length === 0 ? reports[0] : { ...whole, failures }, null, 1)}\n`
  }
  if (format === 'markdown') {
    if (comparison !== undefined) {
      return withCosts(markdownComparison(comparison), costs)
    }
    if (evaluations.length === 1 && failed.length === 0) {
      return markdownReport(evaluations[0]!)
    }
    return markdownTable(padRows(summaryRows(evaluations, rows)))
  }
  if (comparison !== undefined) {
    return withCosts(textComparison(comparison), costs)
  }
  if (evaluations.length === 1 && failed.length === 0) {
    return textReport(evaluations[0]!)
  }
  return table(padRows(summaryRows(evaluations, rows)))
}

const withCosts = (text: string, costs: Switching | undefined): string =>
  costs === undefined ? text : `${text}\n${switchingText(costs)}\n`

function costsOf({ a, b }: Comparison, values: EvalSettings): Switching | undefined {
  if (a.speed === undefined || b.speed === undefined) {
    return undefined
  }
  const [first, second] = [
    { subject: a.subject, speed: a.speed },
    { subject: b.subject, speed: b.speed },
  ]
  return switching(first, second, switchingPrices(values))
}

/** Failed models fill their row with the error code and dashes. */
const padRows = (rows: string[][]): string[][] =>
  rows.map((row) => [...row, ...Array<string>(rows[0]!.length - row.length).fill('–')])

async function writeFolder(
  folder: string,
  evaluations: Evaluation[],
  comparison: Comparison | undefined,
  costs: Switching | undefined,
  dataset: Dataset,
  values: EvalSettings,
  io: Io,
): Promise<void> {
  const { worst } = values
  try {
    await makeFolder(folder)
    const names = fileNames(evaluations)
    for (const [i, evaluation] of evaluations.entries()) {
      const at = (name: string) => join(folder, `${names[i]}${name}`)
      const { htmlReport } = await import('../../evaluate/report/html.ts')
      await writeFile(at('report.html'), await htmlReport(evaluation, worst))
      await writeFile(at('report.json'), `${JSON.stringify(jsonReport(evaluation, worst), null, 1)}\n`)
      await writeFile(at('report.md'), markdownReport(evaluation))
      await writeCocoResults(at('detections.json'), evaluation, dataset)
    }
    if (comparison !== undefined) {
      const { htmlComparison } = await import('../../evaluate/report/html-comparison.ts')
      await writeFile(
        join(folder, 'comparison.html'),
        await htmlComparison(comparison, worst, costs === undefined ? '' : switchingText(costs)),
      )
      await writeFile(
        join(folder, 'comparison.json'),
        `${JSON.stringify(jsonComparison(comparison), null, 1)}\n`,
      )
      await writeFile(join(folder, 'comparison.md'), markdownComparison(comparison))
    }
    const page = comparison === undefined ? `${names[0]}report.html` : 'comparison.html'
    io.stderr.write(`boxlet: the report is ${join(folder, page)}\n`)
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    if ((cause as NodeJS.ErrnoException).code === undefined) {
      throw cause
    }
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected a folder that can be written at "${folder}" but it cannot be.`,
      { cause },
    )
  }
}

/** One subject needs no prefix; several get their names, made safe for files and distinct. */
function fileNames(evaluations: Evaluation[]): string[] {
  if (evaluations.length === 1) {
    return ['']
  }
  const seen = new Map<string, number>()
  return evaluations.map(({ subject }) => {
    const base = subject.name.replace(/[^\w.-]+/g, '-').slice(0, 80)
    const count = (seen.get(base) ?? 0) + 1
    seen.set(base, count)
    return `${base}${count === 1 ? '' : `-${count}`}-`
  })
}
