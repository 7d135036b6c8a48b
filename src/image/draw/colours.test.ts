import { describe, expect, it } from 'vitest'
import { colourOf, textOn } from '../../../web/src/colours.ts'
import { classColour, contrast, type Rgb, textColour } from './colours.ts'

/** A tenth of the way from black to white in OKLab; twice the difference that is seen between two patches apart. */
const SEEN_APART = 0.09

/** source  Björn Ottosson, "A perceptual color space for image processing", 2020 */
function oklab(colour: Rgb): number[] {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const distance = (a: Rgb, b: Rgb): number => {
  const other = oklab(b)
  return Math.hypot(...oklab(a).map((value, i) => value - other[i]!))
}

describe('the colour of a class', () => {
  it('can be told from those of its neighbours in a list of any length', () => {
    for (let id = 0; id < 1_203; id++) {
      for (let near = 1; near <= 4; near++) {
        const apart = distance(classColour(id), classColour(id + near))
        expect(apart, `${id} and ${id + near}`).toBeGreaterThan(SEEN_APART)
      }
    }
  })
  it('is the same on the page and in the annotated picture, and text reads on it', () => {
    for (let id = 0; id < 100; id++) {
      const colour = classColour(id)
      expect(colourOf(id)).toBe(`rgb(${colour.join(' ')})`)
      expect(textOn(id)).toBe(`rgb(${textColour(colour).join(' ')})`)
      expect(contrast(colour, textColour(colour))).toBeGreaterThan(4.5)
    }
  })
})
