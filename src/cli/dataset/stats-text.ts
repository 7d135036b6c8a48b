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

const problemLines = (problems: readonly Problem[]): string[] =>
  problems.length === 0
    ? ['Nothing is wrong in it.']
    : [`${counted(problems.length, 'problem')}:`, ...problems.map(formatProblem)]

export const statsText = (stats: DatasetStats, problems: readonly Problem[]): string =>
  [
    `${stats.name} (${stats.format})`,
    ...facts(stats),
    '',
    table(classRows(stats)),
    ...problemLines(problems),
    '',
  ].join('\n')

export const statsMarkdown = (stats: DatasetStats, problems: readonly Problem[]): string =>
  [
    `# ${stats.name} (${stats.format})`,
    '',
    ...facts(stats).map((fact) => `- ${fact}`),
    '',
    markdownTable(classRows(stats)),
    ...(problems.length === 0
      ? ['Nothing is wrong in it.']
      : problems.map((problem) => `- ${formatProblem(problem)}`)),
    '',
  ].join('\n')

export const statsJson = (stats: DatasetStats, problems: readonly Problem[]): string =>
  `${JSON.stringify({ version: 1, ...stats, problems }, null, 1)}\n`
