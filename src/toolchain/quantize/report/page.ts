import { cpus } from 'node:os'
import { escapeText } from '../../../evaluate/report/escape.ts'
import { KEY, pairFigure } from '../../../evaluate/report/html-comparison.ts'
import { folded, htmlTable, page, plot, section, tile } from '../../../evaluate/report/page.ts'
import { BLUE, bars, draw } from '../../../evaluate/report/plot-forms.ts'
import { megabytes, percent } from '../../../system/words.ts'
import type { ModelSource } from '../../source.ts'
import type { MeasuredQuantization } from '../measured.ts'
import { triedRows, verdictText, wayOf } from './text.ts'

/** Pictures that differ most. */
const WORST = 12

/** The report as one page without scripts: numbers, what each part costs, and the pictures that differ most. */
export async function quantizePage(source: ModelSource, result: MeasuredQuantization): Promise<string> {
  const { chosen, sensitivity, floatMs, bytes, differing, evaluation, calibration } = result
  const { images } = evaluation
  const title = `${source.contract.name} in whole numbers`
  const worst = differing.slice(0, WORST).map((picture) => {
    const image = images[picture.image]!
    return pairFigure(image.path, image, image.fileName, picture, 'float', 'quantized')
  })
  const tiles = [
    tile(percent(chosen.f1), 'agreement (F1), %'),
    tile(chosen.ap50.toFixed(3), 'AP50 against the float file'),
    ...(chosen.ap === undefined
      ? []
      : [tile(`${chosen.ap.before.toFixed(4)} → ${chosen.ap.after.toFixed(4)}`, 'AP on the labels')]),
    tile(`${megabytes(source.given)} → ${megabytes(bytes.length)}`, 'MB'),
    tile(`${floatMs.toFixed(1)} → ${chosen.ms.toFixed(1)}`, 'ms of a processor a picture'),
    tile(chosen.ratio.toFixed(2), 'of the time'),
  ]
  const most = Math.max(1e-9, ...sensitivity.map(({ error }) => error))
  const svg = await draw(
    bars(
      sensitivity.map(({ part, error }) => ({
        name: `part ${part + 1}`,
        value: error / most,
        note: error.toPrecision(2),
      })),
      'error of the last layers, the worst part as 1',
      BLUE,
    ),
  )
  return page(
    title,
    [
      `<h1>${escapeText(title)}</h1>`,
      `<p class="soft">${images.length} pictures, none of them among the ${calibration.length} that ranges were taken from. ${escapeText(cpus()[0]?.model ?? '')}, one thread.</p>`,
      `<p>${escapeText(verdictText(source, result))}</p>`,
      `<div class="tiles">${tiles.join('')}</div>`,
      section(
        'What was tried',
        `${htmlTable(triedRows(result))}<p class="soft">On 16 pictures. Chosen: ${escapeText(wayOf(chosen))}.</p>`,
      ),
      section(
        'What each part costs',
        plot(
          svg,
          'Each twelfth of the graph alone in whole numbers, from the picture on: root mean square error of the last layers over their spread.',
        ),
      ),
      section(
        'Where they differ most',
        worst.length === 0
          ? '<p>They find the same objects everywhere.</p>'
          : `${KEY}\n${(await Promise.all(worst)).join('\n')}`,
      ),
      folded(
        'Pictures that ranges were taken from',
        `<p class="problems">${calibration.map(escapeText).join('<br>')}</p>`,
      ),
    ].join('\n'),
  )
}
