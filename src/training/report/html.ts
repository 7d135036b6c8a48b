import { escapeText } from '../../evaluate/report/escape.ts'
import { evaluationSections, footer, notes } from '../../evaluate/report/html.ts'
import { htmlTable, page, plot, section, tile } from '../../evaluate/report/page.ts'
import { lossCurve, validationCurve } from './curves.ts'
import type { TaughtFacts } from './facts.ts'
import { costLine, duration, intervalText, lengthText, moreText, sharedLines } from './text.ts'

const WORST = 24
/** A threshold that was chosen on the pictures it is measured on would flatter. */
const ABOUT_CUTS = 'The contract holds those that were best on the validation pictures.'

/** The report of a run as one self-contained page: nothing is fetched, nothing runs. */
export async function taughtPage(facts: TaughtFacts): Promise<string> {
  const title = `${facts.labels.join(', ').slice(0, 80)}: taught from ${facts.base.name}`
  const { measured } = facts
  const parts = [
    `<h1>${escapeText(title)}</h1>`,
    `<p class="soft">${sharedLines(facts).map(escapeText).join('<br>')}</p>`,
    headline(facts),
    section('How it learned', await courseSection(facts)),
    ...(measured === undefined
      ? []
      : [
          `<p>Below: the file on the ${measured.part === 'test' ? 'test pictures, on which nothing was chosen' : 'validation pictures, which also chose the thresholds'}.</p>`,
          ...(await evaluationSections(measured.evaluation, WORST, ABOUT_CUTS)),
          notes(measured.evaluation),
        ]),
    section(
      'Make it again',
      `<pre>${escapeText(facts.command)}</pre><p class="soft">The same numbers on the same machine, with the same number of workers.</p>`,
    ),
    measured === undefined ? '' : footer(measured.evaluation),
  ]
  return page(title, parts.join('\n'))
}

function headline({ measured, seconds, parts }: TaughtFacts): string {
  const tiles =
    measured === undefined
      ? []
      : [
          tile(measured.evaluation.stats.ap50.toFixed(3), `AP50, ${intervalText(measured.interval.ap50)}`),
          tile(measured.evaluation.stats.ap.toFixed(3), `AP, ${intervalText(measured.interval.ap)}`),
        ]
  tiles.push(
    tile(duration(seconds), 'of training'),
    tile(String(parts.train.pictures), `pictures with ${parts.train.objects} objects`),
  )
  return `<div class="tiles">${tiles.join('')}</div>`
}

async function courseSection(facts: TaughtFacts): Promise<string> {
  const { history, recipe, curve } = facts
  const plots = [
    history.rounds.length > 1
      ? plot(await lossCurve(history, recipe.steps), 'Losses on the pictures as they were shown.')
      : '',
    history.validations.length > 1
      ? plot(
          await validationCurve(history, recipe.steps),
          'AP of the averaged weights, which are the ones written.',
        )
      : '',
  ]
  const more = moreText(curve)
  const rows = (curve?.points ?? []).map(({ pictures, ap, ap50 }) => [
    String(pictures),
    ap50.toFixed(3),
    ap.toFixed(3),
  ])
  return `<p>${escapeText(lengthText(facts))}</p>
<div class="plots">${plots.join('')}</div>
${rows.length === 0 ? '' : `<p>${escapeText(more)}</p>${htmlTable([['pictures', 'AP50', 'AP'], ...rows])}`}
<p>${escapeText(costLine(facts))}</p>`
}
