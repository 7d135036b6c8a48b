import { formatProblem, type Problem } from '../../datasets/problem.ts'
import type { DatasetStats } from '../../datasets/stats.ts'
import { markdownTable } from '../../evaluate/report/markdown.ts'
import { table } from '../../evaluate/report/text.ts'
import { counted } from '../../system/words.ts'

const HEAD = ['class', 'objects', 'pictures', 'small', 'medium', 'large', 'crowds', 'difficult', 'median box']

const classRows = ({ classes }: DatasetStats): string[][] => [
  HEAD,
  ...classes.map((entry) => [
    entry.name,
    ...[
      entry.objects,
      entry.pictures,
      entry.small,
      entry.medium,
      entry.large,
      entry.crowds,
      entry.difficult,
    ].map(String),
    `${Math.round(entry.medianWidth)} × ${Math.round(entry.medianHeight)}`,
  ]),
]

function facts(stats: DatasetStats): string[] {
  const { pictureSizes, objectsPerPicture } = stats
  const unused = stats.unusedClasses
  return [
    `${stats.pictures} pictures, ${stats.emptyPictures} without an object; ${stats.objects} objects of ${stats.classes.length} classes`,
    `pictures from ${pictureSizes.smallest} to ${pictureSizes.largest}, median ${pictureSizes.median}; objects a picture: median ${objectsPerPicture.median}, most ${objectsPerPicture.most}`,
    ...(unused.length === 0
      ? []
      : [
          `${unused.length} classes without an object: ${unused.slice(0, 10).join(', ')}${unused.length > 10 ? ', …' : ''}`,
        ]),
  ]
}

function problemLines(problems: readonly Problem[], notes: readonly string[]): string[] {
  if (problems.length > 0) {
    return [...notes, `${counted(problems.length, 'problem')}:`, ...problems.map(formatProblem)]
  }
  return notes.length > 0 ? [...notes, 'Nothing else is to be said of it.'] : ['Nothing is wrong in it.']
}

export const statsText = (
  stats: DatasetStats,
  problems: readonly Problem[],
  notes: readonly string[],
): string =>
  [
    `${stats.name} (${stats.format})`,
    ...facts(stats),
    '',
    table(classRows(stats)),
    ...problemLines(problems, notes),
    '',
  ].join('\n')

export const statsMarkdown = (
  stats: DatasetStats,
  problems: readonly Problem[],
  notes: readonly string[],
): string =>
  [
    `# ${stats.name} (${stats.format})`,
    '',
    ...facts(stats).map((fact) => `- ${fact}`),
    '',
    markdownTable(classRows(stats)),
    ...problemLines(problems, notes).map((line) => `- ${line}`),
    '',
  ].join('\n')

export const statsJson = (
  stats: DatasetStats,
  problems: readonly Problem[],
  notes: readonly string[],
): string => `${JSON.stringify({ version: 1, ...stats, problems, notes }, null, 1)}\n`
