import type { Size } from '../../boxes/box.ts'
import { loadSharp } from '../decode/load-sharp.ts'
import type { RgbImage } from '../rgb-image.ts'
import { fillStencil, type Stencil } from './canvas.ts'
import type { Rgb } from './colours.ts'
import { ASCENT, DESCENT, OUTLINES, UNITS_PER_EM } from './glyphs.ts'

/**
 * Text without fonts: a Lambda function or a slim container has none. Latin, Greek, Cyrillic and Vietnamese
 * letters are outlines inside the package; each letter is rendered once at the size wanted.
 */

interface Outline {
  /** Units of the em. */
  advance: number
  path: string
}

let outlines: Map<string, Outline> | undefined

function outlineOf(character: string): Outline | undefined {
  outlines ??= new Map(
    OUTLINES.split('\n').map((line) => {
      const character = String.fromCodePoint(line.codePointAt(0)!)
      const advance = Number.parseInt(line.slice(character.length), 10)
      const path = line.indexOf('m', character.length)
      return [character, { advance, path: path < 0 ? '' : line.slice(path) }]
    }),
  )
  return outlines.get(character)
}

/**
 * The text in characters that can be drawn: composed where possible, without accents where not. Undefined when
 * any letter has no outline, as in Chinese or Arabic: half a word misleads more than a number does.
 */
export function drawableText(text: string): string | undefined {
  let out = ''
  for (const character of text.normalize('NFC').replace(/\s+/g, ' ')) {
    if (outlineOf(character) !== undefined) {
      out += character
    } else if (!/\p{C}|\p{M}|\p{Emoji_Presentation}/u.test(character)) {
      const plain = character.normalize('NFKD').replace(/\p{M}/gu, '')
      if (plain === '' || ![...plain].every((part) => outlineOf(part) !== undefined)) {
        return undefined
      }
      out += plain
    }
  }
  return out.trim()
}

/** Pixels across at `size` pixels an em. Unknown characters count as nothing; see `drawableText`. */
export function textWidth(text: string, size: number): number {
  let units = 0
  for (const character of text) {
    units += outlineOf(character)?.advance ?? 0
  }
  return (units / UNITS_PER_EM) * size
}

/** Every letter that is needed, rendered at one size. */
export interface GlyphSheet {
  size: number
  glyphs: ReadonlyMap<string, Stencil>
}

/** Empty pixels round each letter: overshoot and smoothing reach beyond the advance. */
const MARGIN = 2

export async function renderGlyphs(texts: Iterable<string>, size: number): Promise<GlyphSheet> {
  const characters = [...new Set([...texts].flatMap((text) => [...text]))].filter((c) => outlineOf(c)?.path)
  const glyphs = new Map<string, Stencil>()
  if (characters.length === 0) {
    return { size, glyphs }
  }
  const cell = {
    width: Math.ceil(Math.max(...characters.map((c) => textWidth(c, size)))) + 2 * MARGIN,
    height: lineHeight(size) + 2 * MARGIN,
  }
  const sheet = await renderSheet(characters, size, cell)
  characters.forEach((character, i) => {
    glyphs.set(character, { ...cell, data: cutCell(sheet, i, cell) })
  })
  return { size, glyphs }
}

/** Letters side by side on a sheet, so that it stays far below the renderer's 32,767 pixels an edge. */
const COLUMNS = 16

async function renderSheet(characters: readonly string[], size: number, cell: Size): Promise<Buffer> {
  const scale = size / UNITS_PER_EM
  const paths = characters.map((character, i) => {
    const x = (i % COLUMNS) * cell.width + MARGIN
    const y = Math.floor(i / COLUMNS) * cell.height + MARGIN + baseline(size)
    return `<path transform="translate(${x} ${y}) scale(${scale})" d="${outlineOf(character)!.path}"/>`
  })
  const width = cell.width * COLUMNS
  const height = cell.height * Math.ceil(characters.length / COLUMNS)
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${paths.join('')}</svg>`
  const sharp = await loadSharp()
  return sharp(Buffer.from(svg)).ensureAlpha().extractChannel('alpha').raw().toBuffer()
}

function cutCell(sheet: Uint8Array, index: number, { width, height }: Size): Uint8Array {
  const stride = width * COLUMNS
  const start = Math.floor(index / COLUMNS) * height * stride + (index % COLUMNS) * width
  const cell = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = start + y * stride
    cell.set(sheet.subarray(row, row + width), y * width)
  }
  return cell
}

export const lineHeight = (size: number): number => Math.ceil(((ASCENT + DESCENT) / UNITS_PER_EM) * size)
const baseline = (size: number): number => Math.round((ASCENT / UNITS_PER_EM) * size)

/** Draws one line with its upper left corner at (left, top). */
export function drawText(
  image: RgbImage,
  text: string,
  left: number,
  top: number,
  sheet: GlyphSheet,
  colour: Rgb,
): void {
  let x = left
  for (const character of text) {
    const stencil = sheet.glyphs.get(character)
    if (stencil !== undefined) {
      fillStencil(image, stencil, Math.round(x) - MARGIN, Math.round(top) - MARGIN, colour)
    }
    x += textWidth(character, sheet.size)
  }
}
