/** Jobs as people read them. */
import type { JobView, PictureView } from '../../jobs/view.ts'
import { oneLine } from '../../system/printable.ts'
import { alignColumns, counted } from '../../system/words.ts'
import type { JobDetails } from './client.ts'

export function jobTable(jobs: readonly JobView[]): string {
  const rows = jobs.map((job) => [
    job.id,
    job.state,
    progressOf(job),
    job.createdAt.replace('T', ' ').slice(0, 19),
    job.batch ?? '',
  ])
  return alignColumns([['ID', 'STATE', 'PICTURES', 'SUBMITTED', 'BATCH'], ...rows])
    .map((line) => `${line}\n`)
    .join('')
}

function progressOf({ counts, complete }: JobView): string {
  const { total, succeeded, failed, cancelled } = counts
  const failures = failed > 0 ? `, ${failed} failed` : ''
  const rest = cancelled > 0 ? `, ${cancelled} cancelled` : ''
  return `${succeeded + failed}/${total}${complete ? '' : '+'}${failures}${rest}`
}

export function jobDetails(job: JobDetails): string {
  const { counts, summary } = job
  const lines = [
    `Job ${job.id}  ${job.state}`,
    `  pictures   ${counted(counts.total, 'picture')}${job.complete ? '' : ' so far'}: ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.cancelled} cancelled`,
    `  submitted  ${job.createdAt}`,
    ...(job.finishedAt === undefined ? [] : [`  finished   ${job.finishedAt}`]),
    `  kept until ${job.expiresAt}`,
    ...(job.batch === undefined ? [] : [`  batch      ${job.batch}`]),
    ...(job.model === undefined ? [] : [`  model      ${job.model}`]),
  ]
  if (summary.labels.length > 0) {
    const rows = summary.labels.map(({ label, pictures, objects }) => [
      `  ${label}`,
      counted(pictures, 'picture'),
      counted(objects, 'object'),
    ])
    lines.push('', ...alignColumns(rows, (column) => column > 0))
  }
  return lines.map((line) => `${oneLine(line)}\n`).join('')
}

export function pictureLine({ name, line, state, result, error, verdict }: PictureView): string {
  const at = line === undefined ? '' : ` (line ${line})`
  if (error !== undefined && state === 'failed') {
    return oneLine(`${name}${at}: ${error.message} [${error.code}]`)
  }
  const mark = verdict === undefined ? '' : `  ${verdict.verdict.toUpperCase()}`
  return oneLine(`${name}${at}: ${result?.altText ?? state}${mark}`)
}
