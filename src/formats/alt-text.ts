import { area } from '../boxes/box.ts'
import type { Detection } from '../boxes/detection.ts'

/** Kinds of objects named before the rest is summed up: a longer sentence is not listened to. */
const MOST_KINDS = 5
const NUMBERS = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
]
const IRREGULAR: Record<string, string> = {
  person: 'people',
  man: 'men',
  woman: 'women',
  child: 'children',
  mouse: 'mice',
  knife: 'knives',
  sheep: 'sheep',
  fish: 'fish',
  broccoli: 'broccoli',
  bus: 'buses',
  tooth: 'teeth',
  foot: 'feet',
  goose: 'geese',
} // prettier-ignore
/** Words that are plural already and counted in pairs. */
const PAIRS = new Set(['scissors', 'skis', 'glasses', 'trousers', 'jeans', 'goggles'])
/** Letters that are spoken, not read: "a TV", "an SUV". */
const SPELT: Record<string, string> = { tv: 'TV', suv: 'SUV', rbc: 'RBC', wbc: 'WBC' }

/**
 * One natural English sentence that says what is in the picture, the most prominent first. For `alt`
 * attributes and screen readers.
 */
export function altText(detections: readonly Detection[]): string {
  const kinds = new Map<string, { count: number; area: number }>()
  for (const { label, box } of detections) {
    const kind = kinds.get(label) ?? { count: 0, area: 0 }
    kinds.set(label, { count: kind.count + 1, area: kind.area + area(box) })
  }
  if (kinds.size === 0) {
    return 'A picture in which nothing was recognised.'
  }
  const named = [...kinds].sort(([, a], [, b]) => b.area - a.area)
  const phrases = named.slice(0, MOST_KINDS).map(([label, { count }]) => phrase(label, count))
  const rest = named.slice(MOST_KINDS).reduce((sum, [, { count }]) => sum + count, 0)
  if (rest > 0) {
    phrases.push(rest === 1 ? 'one other object' : `${number(rest)} other objects`)
  }
  return `A picture of ${new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(phrases)}.`
}

function phrase(label: string, count: number): string {
  const word = spoken(label)
  const last = word.split(' ').at(-1)!
  if (PAIRS.has(last)) {
    return count === 1 ? `a pair of ${word}` : `${number(count)} pairs of ${word}`
  }
  return count === 1 ? `${article(word)} ${word}` : `${number(count)} ${plural(word)}`
}

const spoken = (label: string): string =>
  label
    .replace(/[_-]+/g, ' ')
    .trim()
    .split(/\s+/)
    .map((word) => SPELT[word.toLowerCase()] ?? word)
    .join(' ')

const number = (count: number): string => NUMBERS[count] ?? String(count)

function article(word: string): string {
  if (/^[A-Z]{2,}\b/.test(word)) {
    return /^[AEFHILMNORSX]/.test(word) ? 'an' : 'a'
  }
  return /^(?:[aeio]|u(?!ni|se|ti|ro))/i.test(word) ? 'an' : 'a'
}

/** Only the last word changes: wine glass, wine glasses. */
function plural(phraseText: string): string {
  const words = phraseText.split(' ')
  const last = words.pop()!
  return [...words, pluralOf(last)].join(' ')
}

function pluralOf(word: string): string {
  const irregular = IRREGULAR[word.toLowerCase()]
  if (irregular !== undefined) {
    return irregular
  }
  if (/^[A-Z]{2,}$/.test(word)) {
    return `${word}s`
  }
  if (/(?:s|x|z|ch|sh)$/i.test(word)) {
    return `${word}es`
  }
  if (/[^aeiou]y$/i.test(word)) {
    return `${word.slice(0, -1)}ies`
  }
  return `${word}s`
}
