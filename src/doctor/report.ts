import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BoxletError } from '../errors.ts'
import { drawDetections } from '../image/draw/draw.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { counted } from '../system/words.ts'
import type { Diagnosis, DimensionResult, Trial } from './diagnosis.ts'
import { endingText } from './ending.ts'

/** A trial that finds garbage finds a lot of it; more would only blacken the picture. */
const MAX_DRAWN = 60

export interface WrittenReport {
  /** Path of report.html. */
  page: string
  /** File name of the picture of each trial, by dimension and position. */
  pictures: Map<Trial, string>
}

/**
 * Writes `report.html` and a picture of what each reading finds in the first picture.
 *
 * @throws BoxletError OUTPUT_UNWRITABLE
 */
export async function writeReport(
  folder: string,
  model: string,
  picture: RgbImage,
  diagnosis: Diagnosis,
): Promise<WrittenReport> {
  const pictures = new Map<Trial, string>()
  try {
    await mkdir(folder, { recursive: true })
    for (const { dimension, trials } of diagnosis.dimensions) {
      for (const [i, trial] of trials.entries()) {
        const name = `${dimension}-${i + 1}-${plain(trial.name)}.jpg`
        await writeFile(join(folder, name), await drawDetections(picture, trial.shown.slice(0, MAX_DRAWN)))
        pictures.set(trial, name)
      }
    }
    const page = join(folder, 'report.html')
    await writeFile(page, html(model, diagnosis, pictures))
    return { page, pictures }
  } catch (cause) {
    if (cause instanceof BoxletError) {
      throw cause
    }
    throw new BoxletError(
      'OUTPUT_UNWRITABLE',
      `Expected to write the report into "${folder}" but that failed.`,
      { cause, hint: 'Choose another folder with --out.' },
    )
  }
}

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/−/g, 'minus')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

function html(model: string, diagnosis: Diagnosis, pictures: ReadonlyMap<Trial, string>): string {
  const measure = diagnosis.decidedBy === 'ap' ? 'AP' : 'agreement with the mirror image'
  const findings = diagnosis.findings.map(
    ({ severity, message }) => `<li><b>${severity}</b>: ${escapeHtml(message)}</li>`,
  )
  const sections = diagnosis.dimensions.map((result) => section(result, measure, pictures))
  const verdict = escapeHtml(endingText(diagnosis)).replaceAll('\n', '<br>')
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(model)}: doctor</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
section > div { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem }
figure { margin: 0; padding: .5rem; border: 1px solid #8884; border-radius: .5rem }
figure.chosen { border: 3px solid #2a7 }
img { width: 100% }
</style>
<h1>${escapeHtml(model)}</h1>
<p>${verdict}</p>
<p>Judged by ${measure} over ${counted(diagnosis.pictures, 'picture')}.</p>
<ul>${findings.join('') || '<li>Nothing wrong with scores, boxes or labels.</li>'}</ul>
${sections.join('\n')}
</html>
`
}

function section(
  { dimension, trials, chosen }: DimensionResult,
  measure: string,
  pictures: ReadonlyMap<Trial, string>,
): string {
  const figures = trials.map((trial) => {
    const name = `${trial.name}${trial.isCurrent ? ' (contract)' : ''}`
    return `<figure${trial.name === chosen ? ' class="chosen"' : ''}><img src="${escapeHtml(pictures.get(trial) ?? '')}" alt="${escapeHtml(name)}" loading="lazy"><figcaption><b>${escapeHtml(name)}</b><br>${measure} ${number(trial.value)}, ${trial.objects} objects${trial.refused === undefined ? '' : `; ${escapeHtml(trial.refused)}`}</figcaption></figure>`
  })
  return `<section><h2>${dimension}: ${escapeHtml(chosen)}</h2><div>${figures.join('')}</div></section>`
}

const number = (value: number): string => value.toFixed(3)

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)
