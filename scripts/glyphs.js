/**
 * Writes `glyphs.ts`: outlines of the characters that labels are drawn with, so that drawing needs no font on
 * the machine. Run once, by hand, in an empty folder:
 *
 *   npm i opentype.js@1.3.4 @fontsource/roboto@4.5.8
 *   node PATH/TO/scripts/glyphs.js > PATH/TO/src/image/draw/glyphs.ts
 *
 * Roboto Medium is Apache-2.0 by its own licence entry, which the script checks.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.cwd(), 'package.json'))
const opentype = require('opentype.js')
const SUBSETS = ['latin', 'latin-ext', 'greek', 'cyrillic', 'cyrillic-ext', 'vietnamese']
const RANGES = [
  [0x20, 0x7e], // ASCII
  [0xa1, 0x17f], // Latin-1 and Latin Extended-A
  [0x370, 0x3ff], // Greek
  [0x400, 0x45f], // Cyrillic
  [0x490, 0x491],
  [0x1ea0, 0x1ef9], // Vietnamese
  [0x2013, 0x2026], // dashes, quotes, ellipsis
  [0x20ac, 0x20ac], // euro
  [0x2116, 0x2116], // numero
]
/** Units of the em square: a tenth of a pixel at the largest size drawn. */
const EM = 1024

const glyphs = {}
let ascent = 0
let descent = 0
for (const subset of SUBSETS) {
  const file = require.resolve(`@fontsource/roboto/files/roboto-${subset}-500-normal.woff`)
  const font = opentype.parse(new Uint8Array(readFileSync(file)).buffer)
  const licence = font.names.licenseURL?.en ?? ''
  if (!licence.includes('apache.org/licenses/LICENSE-2.0')) {
    throw new Error(`Expected an Apache font but received: ${licence}`)
  }
  ascent = Math.round((font.ascender / font.unitsPerEm) * EM)
  descent = Math.round((-font.descender / font.unitsPerEm) * EM)
  for (const [from, to] of RANGES) {
    for (let code = from; code <= to; code++) {
      const character = String.fromCodePoint(code)
      if (glyphs[character] !== undefined || font.charToGlyphIndex(character) === 0) {
        continue
      }
      const glyph = font.charToGlyph(character)
      const advance = Math.round((glyph.advanceWidth / font.unitsPerEm) * EM)
      glyphs[character] = `${advance}${relative(glyph.getPath(0, 0, EM).commands)}`
    }
  }
}

/** Relative whole-number path data: about half the length of absolute data. */
function relative(commands) {
  let x = 0
  let y = 0
  let startX = 0
  let startY = 0
  let out = ''
  const point = (px, py) => `${Math.round(px) - x},${Math.round(py) - y}`
  for (const command of commands) {
    if (command.type === 'Z') {
      out += 'z'
      x = startX
      y = startY
      continue
    }
    if (command.type === 'Q') {
      out += `q${point(command.x1, command.y1)},${point(command.x, command.y)}`
    } else if (command.type === 'M' || command.type === 'L') {
      // Rounding leaves lines of no length.
      if (command.type === 'L' && Math.round(command.x) === x && Math.round(command.y) === y) {
        continue
      }
      out += `${command.type.toLowerCase()}${point(command.x, command.y)}`
    } else {
      throw new Error(`Expected a quadratic outline but received ${command.type}`)
    }
    x = Math.round(command.x)
    y = Math.round(command.y)
    if (command.type === 'M') {
      ;[startX, startY] = [x, y]
    }
  }
  return out.replaceAll(',-', '-')
}

const sorted = Object.entries(glyphs).sort(([a], [b]) => a.codePointAt(0) - b.codePointAt(0))
const lines = sorted.map(([character, data]) => `${character}${data}`).join('\n')
console.log(`/**
 * Outlines of Roboto Medium, copyright Google, Apache-2.0. Made by \`scripts/glyphs.js\`; do not edit.
 * One line a character: the character, its advance, and its outline as SVG path data, y downwards from the
 * baseline, in units of 1/${EM} em.
 */
export const UNITS_PER_EM = ${EM}
export const ASCENT = ${ascent}
export const DESCENT = ${descent}
export const OUTLINES = ${JSON.stringify(lines)}`)
