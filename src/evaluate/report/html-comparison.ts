import type { PictureAgreement, ScoredBox } from '../agreement.ts'
import type { Comparison } from '../compare.ts'
import { escapeText } from './escape.ts'
import { footer, notes } from './html.ts'
import { summaryRows } from './markdown.ts'
import { folded, htmlTable, page, section, tile } from './page.ts'
import { type DrawnBox, pictureWithBoxes } from './pictures.ts'

const signed = (value: number, digits = 4): string => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`

/** Two subjects side by side in one self-contained page. */
export async function htmlComparison(comparison: Comparison, most = 24, extra = ''): Promise<string> {
  const { a, b, interval, agreement, classes } = comparison
  const title = `${a.subject.name} and ${b.subject.name} on ${a.dataset.name}`
  const rows = classes.map((entry) => [
    entry.name,
    entry.a.toFixed(3),
    entry.b.toFixed(3),
    signed(entry.difference, 3),
  ])
  const table = htmlTable([['class', a.subject.name, b.subject.name, 'difference'], ...rows])
  const parts = [
    `<h1>${escapeText(title)}</h1>`,
    `<p class="soft">${a.dataset.pictures} pictures, ${a.dataset.objects} objects of ${a.dataset.classes} classes.</p>`,
    `<div class="tiles">${tile(signed(interval.difference), `AP of ${b.subject.name} minus ${a.subject.name}`)}
${tile(`${signed(interval.low, 3)} … ${signed(interval.high, 3)}`, `${interval.level * 100} % interval of it`)}
${tile(`${(agreement.f1 * 100).toFixed(1)} %`, 'agreement (F1) at the best thresholds')}
${tile(String(agreement.onlyA), `found only by ${a.subject.name}`)}
${tile(String(agreement.onlyB), `found only by ${b.subject.name}`)}</div>`,
    `<p>${verdict(comparison)}</p>`,
    ...(extra === '' ? [] : [`<p>${escapeText(extra).replaceAll('\n', '<br>')}</p>`]),
    section('Numbers', htmlTable(summaryRows([a, b]))),
    section('Where they differ', await differences(comparison, most)),
    section('Classes', table.length > 8000 ? folded('All classes', table) : table),
    notes(a),
    footer(a),
    footer(b),
  ]
  return page(title, parts.join('\n'))
}

/** What the interval allows to say. */
function verdict({ a, b, interval }: Comparison): string {
  const [first, second] = [escapeText(a.subject.name), escapeText(b.subject.name)]
  const draws = `${interval.resamples} draws of the pictures with replacement`
  if (interval.low > 0) {
    return `${second} is better: the interval from ${draws} lies above zero.`
  }
  if (interval.high < 0) {
    return `${first} is better: the interval from ${draws} lies below zero.`
  }
  return `These pictures do not tell which is better: the interval from ${draws} holds zero.`
}

async function differences({ a, b, pictures }: Comparison, most: number): Promise<string> {
  if (pictures.length === 0) {
    return '<p>They find the same objects everywhere.</p>'
  }
  const figures = pictures.slice(0, most).map(async (picture) => {
    const image = a.work.images[picture.image]!
    return pairFigure(image.path, image, image.fileName, picture, a.subject.name, b.subject.name)
  })
  return `${KEY}\n${(await Promise.all(figures)).join('\n')}`
}

export const KEY = `<p class="key soft">At the best thresholds, pictures that differ most first.
<i style="color:#35c46f"></i>found by both <i style="color:#4da3ff"></i>only by the first <i style="color:#ff9f40"></i>only by the second</p>`

export async function pairFigure(
  path: string,
  size: { width: number; height: number },
  name: string,
  picture: PictureAgreement,
  first: string,
  second: string,
): Promise<string> {
  const drawn =
    (style: 'hit' | 'a' | 'b') =>
    (box: ScoredBox): DrawnBox => ({ ...box, style })
  const left = [...picture.both.map((pair) => drawn('hit')(pair.a)), ...picture.onlyA.map(drawn('a'))]
  const right = [...picture.both.map((pair) => drawn('hit')(pair.b)), ...picture.onlyB.map(drawn('b'))]
  const [one, two] = await Promise.all([
    pictureWithBoxes(path, size, left),
    pictureWithBoxes(path, size, right),
  ])
  const figure = (svg: string | undefined, caption: string) =>
    `<figure>${svg ?? '<p>The picture cannot be read.</p>'}<figcaption>${escapeText(caption)}</figcaption></figure>`
  return `<div class="pair">${figure(one, `${name} · ${first}: ${left.length} boxes`)}${figure(two, `${second}: ${right.length} boxes`)}</div>`
}
