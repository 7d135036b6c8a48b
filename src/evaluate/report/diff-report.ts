import type { DatasetImage } from '../../datasets/dataset.ts'
import { formatProblem } from '../../datasets/problem.ts'
import { percent } from '../../system/words.ts'
import type { Difference } from '../diff.ts'
import { escapeText } from './escape.ts'
import { KEY, pairFigure } from './html-comparison.ts'
import { markdownTable } from './markdown.ts'
import { folded, htmlTable, page, section, tile } from './page.ts'
import { table } from './text.ts'

const sentence = ({ a, b, pictures, agreement }: Difference): string =>
  `${a.name} and ${b.name} on ${pictures} pictures: ${agreement.both} objects found by both, ${agreement.onlyA} only by ${a.name}, ${agreement.onlyB} only by ${b.name}`

const numbers = ({ agreement }: Difference): string =>
  `Agreement (F1) ${percent(agreement.f1)} %; of the pairs, mean IoU ${agreement.meanIou.toFixed(3)} and mean difference of score ${agreement.meanScoreDifference.toFixed(3)}`

const rows = ({ a, b, classes }: Difference): string[][] => [
  ['class', 'both', `only ${a.name}`, `only ${b.name}`],
  ...classes.map((entry) => [entry.label, String(entry.both), String(entry.onlyA), String(entry.onlyB)]),
]

export const diffText = (difference: Difference, images: readonly DatasetImage[], extra = ''): string => {
  const worst = difference.differing
    .slice(0, 10)
    .map(({ image, onlyA, onlyB }) => [images[image]!.fileName, String(onlyA.length), String(onlyB.length)])
  const most =
    worst.length === 0
      ? ''
      : table([['most different', `only ${difference.a.name}`, `only ${difference.b.name}`], ...worst])
  return `${[sentence(difference), numbers(difference), ...(extra === '' ? [] : [extra]), '', table(rows(difference)), most].join('\n').trimEnd()}\n`
}

export const diffMarkdown = (difference: Difference, extra = ''): string =>
  `${[sentence(difference), numbers(difference), ...(extra === '' ? [] : [extra]), markdownTable(rows(difference))].join('\n\n').trimEnd()}\n`

export const diffJson = (
  difference: Difference,
  images: readonly DatasetImage[],
  extra: object = {},
): object => ({
  version: 1,
  ...difference,
  differing: difference.differing.map(({ image, ...rest }) => ({
    picture: images[image]!.fileName,
    ...rest,
  })),
  ...extra,
})

/** Side-by-side pictures, those that differ most first, as one self-contained page. */
export async function diffPage(
  difference: Difference,
  images: readonly DatasetImage[],
  most: number,
  extra = '',
): Promise<string> {
  const { a, b, agreement, differing, problems } = difference
  const figures = differing.slice(0, most).map((picture) => {
    const image = images[picture.image]!
    return pairFigure(image.path, image, image.fileName, picture, a.name, b.name)
  })
  const title = `${a.name} and ${b.name}`
  return page(
    title,
    [
      `<h1>${escapeText(title)}</h1>`,
      `<p class="soft">${difference.pictures} pictures without labels: this says where the two differ, not who is right.</p>`,
      `<div class="tiles">${tile(percent(agreement.f1), 'agreement (F1)')}${tile(String(agreement.both), 'found by both')}${tile(String(agreement.onlyA), `only by ${a.name}`)}${tile(String(agreement.onlyB), `only by ${b.name}`)}${tile(agreement.meanIou.toFixed(3), 'mean IoU of the pairs')}</div>`,
      ...(extra === '' ? [] : [`<p>${escapeText(extra).replaceAll('\n', '<br>')}</p>`]),
      section(
        'Where they differ',
        differing.length === 0
          ? '<p>They find the same objects everywhere.</p>'
          : `${KEY}\n${(await Promise.all(figures)).join('\n')}`,
      ),
      section('Classes', htmlTable(rows(difference))),
      ...(problems.length === 0
        ? []
        : [
            folded(
              `${problems.length} pictures could not be read`,
              `<p class="problems">${problems.map((problem) => escapeText(formatProblem(problem))).join('<br>')}</p>`,
            ),
          ]),
    ].join('\n'),
  )
}
