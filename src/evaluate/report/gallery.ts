/** Pictures with their mistakes, to filter and to open large: by style rules alone, since no script may run. */
import type { Evaluation } from '../evaluation.ts'
import { type JudgedBox, type JudgedPicture, worstPictures } from '../worst-pictures.ts'
import { escapeText } from './escape.ts'
import { type DrawnBox, pictureWithBoxes } from './pictures.ts'

/** Classes that have a button; a set with more has those with the most boxes in these pictures. */
const MAX_BUTTONS = 40
/** Pixels of the width of a picture, which may fill the window. */
const LARGE_WIDTH = 960

/** Kinds of mistakes that can be looked at alone: of the button, of the boxes that stay, of the mark of a picture. */
const MISTAKES = [
  { id: 'missed', says: 'with missed objects', kind: 'missed', hides: '.hit, .false' },
  { id: 'false', says: 'with false detections', kind: 'false', hides: '.hit, .missed' },
] as const

/** @param most pictures shown, those with the most mistakes first */
export async function gallery(evaluation: Evaluation, most: number): Promise<string> {
  const pictures = worstPictures(evaluation.work.judged, most)
  if (pictures.length === 0) {
    return '<p>No mistakes at the best thresholds.</p>'
  }
  const classes = commonClasses(pictures)
  const name = (category: number) => evaluation.classes[category]!.category.name
  const figures = await Promise.all(pictures.map((_, place) => figure(evaluation, pictures, place)))
  const buttons = [
    group('Pictures', 'show', [['all', 'all'], ...MISTAKES.map(({ id, says }) => [id, says] as const)]),
    group('Class', 'class', [
      ['all', 'all'],
      ...classes.map((category) => [String(category), name(category)] as const),
    ]),
  ]
  return `<p class="key soft">The pictures with the most mistakes at the best thresholds. A click opens one large.
<i style="color:#35c46f"></i>found <i style="color:#ff4d4d"></i>false detection <i style="color:#ffb020;border-style:dashed"></i>missed <i style="color:#b0b7be;border-style:dotted"></i>object as labelled</p>
<style>${classes.map(rulesOf).join('\n')}\n${MISTAKES.map(mistakeRules).join('\n')}</style>
<div class="gallery" id="pictures">${buttons.join('\n')}
<div class="pictures">${figures.join('\n')}</div>
<p class="soft none">No picture here is of this kind.</p></div>`
}

function group(title: string, name: string, choices: readonly (readonly [string, string])[]): string {
  const inputs = choices.map(
    ([id, text], i) =>
      `<label><input type="radio" name="${name}" id="${name}-${id}"${i === 0 ? ' checked' : ''}><span>${escapeText(text)}</span></label>`,
  )
  return `<fieldset class="choose"><legend>${title}</legend>${inputs.join('')}</fieldset>`
}

function commonClasses(pictures: readonly JudgedPicture[]): number[] {
  const counts = new Map<number, number>()
  for (const { category } of pictures.flatMap(({ boxes }) => boxes)) {
    counts.set(category, (counts.get(category) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, MAX_BUTTONS)
    .map(([category]) => category)
}

/** Marks of a picture: the classes in it, and the mistakes with and without their class. */
function marksOf(boxes: readonly JudgedBox[]): string {
  const marks = boxes.flatMap(({ kind, category }) => [
    `c${category}`,
    ...MISTAKES.filter((mistake) => mistake.kind === kind).flatMap(({ id }) => [id, `${id}-${category}`]),
  ])
  return [...new Set(marks)].join(' ')
}

const mistakeRules = ({ id, hides }: (typeof MISTAKES)[number]): string =>
  `.gallery:has(#show-${id}:checked) figure:not(.${id}), .gallery:has(#show-${id}:checked) .picture :is(${hides}) { display: none }`

function rulesOf(category: number): string {
  const chosen = `.gallery:has(#class-${category}:checked)`
  const pictures = [
    `${chosen} figure:not(.c${category})`,
    ...MISTAKES.map(({ id }) => `${chosen}:has(#show-${id}:checked) figure:not(.${id}-${category})`),
  ]
  return `${pictures.join(', ')}, ${chosen} .picture :is(rect, text):not(.c${category}) { display: none }`
}

/** A figure that fills the window while the address names it. */
async function figure(
  { classes, work }: Evaluation,
  pictures: readonly JudgedPicture[],
  place: number,
): Promise<string> {
  const picture = pictures[place]!
  const image = work.images[picture.image]!
  const styles = { hit: 'hit', false: 'false', found: 'truth', missed: 'missed' } as const
  // Labelled objects lie below, so that detections on them can be pointed at.
  const order = ['truth', 'missed', 'hit', 'false']
  const boxes = picture.boxes
    .map(
      ({ kind, category, ...box }): DrawnBox => ({
        ...box,
        style: styles[kind],
        label: classes[category]!.category.name,
        mark: `c${category}`,
      }),
    )
    .sort((a, b) => order.indexOf(a.style) - order.indexOf(b.style))
  const caption = `${image.fileName}: ${picture.hits} found, ${picture.misses} missed, ${picture.falsePositives} false`
  const drawn = await pictureWithBoxes(image.path, image, boxes, { width: LARGE_WIDTH, caption })
  const last = pictures.length - 1
  const step = (to: number, text: string) =>
    to < 0 || to > last ? '' : `<a href="#picture-${to}">${text}</a> `
  return `<figure id="picture-${place}" class="${marksOf(picture.boxes)}">${
    drawn === undefined
      ? '<p>The picture cannot be read.</p>'
      : `<a class="open" href="#picture-${place}" aria-label="Open ${escapeText(image.fileName)} large">${drawn}</a>`
  }<figcaption>${escapeText(caption)} <span class="steps">${step(place - 1, 'Previous')}${step(place + 1, 'Next')}<a href="#pictures">Close</a></span></figcaption></figure>`
}
